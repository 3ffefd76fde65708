"""Response headers with what a response cost the server."""

from time import perf_counter

from django.db import connection


class CostMiddleware:
    """X-Cost-Ms: from the first middleware to the finished answer. X-Cost-Sql: its statements."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        statements = 0

        def count(execute, sql, parameters, many, context):
            nonlocal statements
            statements += 1
            return execute(sql, parameters, many, context)

        started = perf_counter()
        with connection.execute_wrapper(count):
            response = self.get_response(request)
        response.headers["X-Cost-Ms"] = f"{(perf_counter() - started) * 1000:.3f}"
        response.headers["X-Cost-Sql"] = str(statements)
        return response
