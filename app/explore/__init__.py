"""How pictures relate: groups of those that look alike, proposed for labelling."""
