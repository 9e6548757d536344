"""The Stripe gateway, the signatures of its webhooks, and the price book's file."""
