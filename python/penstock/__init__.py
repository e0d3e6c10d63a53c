"""Penstock: agent event streams from Kafka into Arrow tables, nothing lost and nothing twice."""
