"""One small module per AWS service: what creates, reads, changes and removes its resources."""
