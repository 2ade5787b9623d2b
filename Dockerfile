# docker build --tag depthg .
# docker run --rm --volume "$PWD/results:/depthg/results" depthg                     `ours_3dlhp` of the demo
# docker run --rm --gpus all --volume "$PWD:/work" --workdir /work depthg \
#     snakemake --snakefile /depthg/Snakefile --configfile /depthg/config.yaml --cores 8 -- results/mine/auto/metrics.json
FROM python:3.12-slim

# g++ builds pydensecrf2.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /depthg
# The environment first, and in a layer of its own: it changes less often than the code.
COPY requirements.lock ./
RUN pip install --no-cache-dir --requirement requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --editable .

ENV CORES=2
CMD ["sh", "-c", "snakemake --cores $CORES results/demo/ours_3dlhp/metrics.json"]
