"""Statistics on stored labels: shares with their uncertainty, the baseline, charts."""
