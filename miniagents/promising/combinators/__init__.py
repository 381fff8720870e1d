"""What makes promises and streams of promises and streams."""
