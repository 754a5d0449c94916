"""The REST API: numbers, records and imports, by bearer token, under the same row security as the pages."""

from __future__ import annotations

from ninja import NinjaAPI
from ninja.security import HttpBearer

import salesops
from salesops.analytics.api import router as numbers
from salesops.crm.api import router as imports
from salesops.platform.rest import add_error_handlers
from salesops.platform.signin import token_find


class Token(HttpBearer):
    """A personal API token: ``Authorization: Bearer so_...``."""

    def authenticate(self, request, token):
        """The live token, which views turn into its actor; None gives 401."""
        found = token_find(token)
        if found is not None:
            request.api_token = found
            request.user = found.user
        return found


api = NinjaAPI(
    title="salesops",
    version=salesops.__version__,
    description="Numbers, records and imports under the same row security as the pages.",
    auth=Token(),
    urls_namespace="api",
)
api.add_router("", numbers)
api.add_router("", imports)
add_error_handlers(api)
