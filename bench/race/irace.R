# The R package irace on the problem of peers.ts. Arguments: budget, noise, test, seeds. Prints a line of JSON a seed: the winner without noise, and runs.
suppressPackageStartupMessages(library(irace))
arguments <- commandArgs(trailingOnly = TRUE)
budget <- as.integer(arguments[1])
noise <- as.numeric(arguments[2])
test <- arguments[3]
seeds <- as.integer(arguments[4])

parameters <- readParameters(text = '
rate "" r,log (0.0001, 1)
depth "" i (1, 20)
share "" r (0, 1)
kind "" c (a, b, c)
width "" r (0, 1) | kind %in% c("c")
')

truth <- function(p) {
  cost <- (log10(p$rate) + 2)^2 / 4 + ((p$depth - 14) / 19)^2 * 4 + 2 * (p$share - 0.3)^2
  cost + switch(p$kind, a = 0.3, b = 0.6, c = (p$width - 0.7)^2)
}

for (seed in seq_len(seeds)) {
  runs <- 0
  runner <- function(experiment, scenario) {
    runs <<- runs + 1
    list(cost = truth(experiment$configuration) + 5 * sin(experiment$id.instance) + noise * rnorm(1))
  }
  scenario <- list(
    targetRunner = runner, instances = 1:20, maxExperiments = budget, testType = test, seed = seed,
    logFile = "", debugLevel = 0
  )
  invisible(capture.output(won <- suppressWarnings(irace(scenario, parameters))))
  cat(sprintf('{"cost": %.10f, "runs": %d}\n', truth(as.list(won[1, ])), runs))
}
