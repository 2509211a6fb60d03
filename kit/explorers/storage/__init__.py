"""Explorers of the lesson on storage: tiers, bandwidth, layouts, pipelines."""
