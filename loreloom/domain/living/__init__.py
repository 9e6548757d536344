"""What a world does by itself, day by day: its factions, markets, characters and rumours."""
