"""Recently viewed clients: a few ids in the session, newest first, for the empty search."""

KEY, KEPT = "recent_clients", 8


def remember(request, client_id: int) -> None:
    """Call it on a client's page. Writes the session only if another client was viewed last."""
    ids = request.session.get(KEY, [])
    if ids[:1] != [client_id]:
        request.session[KEY] = [client_id, *(pk for pk in ids if pk != client_id)][:KEPT]


def client_ids(request) -> list[int]:
    return list(request.session.get(KEY, []))
