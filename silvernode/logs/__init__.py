"""`silver-node logs`: what an app wrote, put together by request."""
