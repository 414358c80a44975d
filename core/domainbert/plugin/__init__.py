"""The public interface: records that plugins declare, hooks, and the registry that loads them."""
