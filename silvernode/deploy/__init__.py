"""How an instance comes, serves, goes back, and goes away."""
