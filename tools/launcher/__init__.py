"""What the scripts call: installing the environment, and running everything on one machine."""
