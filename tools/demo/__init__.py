"""The demo firm: a believable consultancy, made through the services, the same every time, relative to today."""
