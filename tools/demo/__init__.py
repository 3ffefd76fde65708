"""The demo firm: a believable consultancy, created through the services, the same every time, relative to today."""
