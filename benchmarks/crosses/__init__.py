"""Whether aggregates of user x artist and user x song tell more than ids, in worlds whose truth is known."""
