"""Fine-tuning by self-distillation: DINO (arXiv 2104.14294) with LoRA adapters, or a small network from scratch."""
