"""How the model learns: LoRA runs, evaluation runs, and their comparison."""
