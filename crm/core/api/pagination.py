from rest_framework import pagination


class CursorPagination(pagination.CursorPagination):
    """{next, previous, results}; `page_size` up to 200. Stable by primary key."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-pk"
