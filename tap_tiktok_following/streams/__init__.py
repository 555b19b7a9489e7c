"""What the SDK sees: the streams, their schemas, and every override of the SDK's streams."""
