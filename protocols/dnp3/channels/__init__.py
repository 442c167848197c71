"""The media on which octets travel. The only bridge between Twisted and asyncio of this package."""
