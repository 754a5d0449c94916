"""How people do, compared fairly: adjusted for the territory they were given and the time they have been here."""
