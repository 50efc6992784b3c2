"""The adaptive strategy: trust regions that all drives share."""
