# A trial in R: it reads a parameter `x`, prints one metric line per step, and then its result.

x <- as.numeric(Sys.getenv("HONE_PARAM_X"))
steps <- as.integer(Sys.getenv("HONE_RESOURCE", "10"))

for (step in seq_len(steps)) {
  cat(sprintf('{"step": %d, "loss": %.17g}\n', step, (x - 3)^2 + 1 / step))
}
cat(sprintf('{"loss": %.17g}\n', (x - 3)^2))
