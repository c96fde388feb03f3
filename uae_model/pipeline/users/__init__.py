"""What is done with the data of users on purpose: forgetting some of them, and changing the key of all."""
