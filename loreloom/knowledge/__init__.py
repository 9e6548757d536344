"""Markdown in; passages, entities, embeddings and hybrid search out."""
