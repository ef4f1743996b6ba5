"""The device's own updates: stored before they are sent, and kept until the server cannot lose them any more."""
