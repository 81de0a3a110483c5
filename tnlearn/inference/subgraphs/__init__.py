"""The best states of sparse models: hold some sites, and give all others their best positions."""
