# An R program as a trial. Build it from the root of the repository:
#   docker build -f examples/docker/Dockerfile.r -t hone-example-r .
FROM rocker/r-ver:4.4.2
# The runner needs Python (21 MB on Debian). python3-minimal is not enough: it has no json.
RUN apt-get update && apt-get install -y --no-install-recommends python3 ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY examples/docker/train.R .

# The two lines that make it a trial:
COPY clients/runner/hone /usr/local/bin/hone
ENTRYPOINT ["hone", "exec", "--"]

CMD ["Rscript", "train.R"]
