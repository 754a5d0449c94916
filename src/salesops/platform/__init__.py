"""What every domain stands on: people who sign in, dated decisions, audit, jobs, access, registries."""
