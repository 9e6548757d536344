"""The API and its worker, as the API's own tests run them."""

from tests.api.conftest import api, embedder, parts, worker, worker_roles

__all__ = ["api", "embedder", "parts", "worker", "worker_roles"]
