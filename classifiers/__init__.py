"""Labels for posts: what each label means, and the models that give them. Knows nothing of the database."""
