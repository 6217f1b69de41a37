#!/bin/sh
# A grid of runs over the two GPUs of a host, each with a GPU of its own: RUNNER_SLOT is the number of the job's permit,
# 0 or 1, and no two running jobs have the same one.
#
# For several hosts with two GPUs each, give every host a queue and a limit of its own: --name gpu-a --limit gpu-a
set -eu

runner limit set gpu 2

ids=
for lr in 0.1 0.01; do
  for seed in 1 2 3; do
    # shellcheck disable=SC2016 # the variables are those of the job
    id=$(runner submit --limit gpu --env LR=$lr --env SEED=$seed --title "lr $lr, seed $seed" --retries 1 \
      'export CUDA_VISIBLE_DEVICES=$RUNNER_SLOT
       sleep 0.1
       echo "lr $LR, seed $SEED: on GPU $CUDA_VISIBLE_DEVICES"')
    ids="$ids $id"
  done
done

# shellcheck disable=SC2086 # several ids
runner wait $ids
# shellcheck disable=SC2086
for id in $ids; do runner logs "$id"; done | sed 's/GPU [01]$/GPU 0 or 1/'

# Output:
# lr 0.1, seed 1: on GPU 0 or 1
# lr 0.1, seed 2: on GPU 0 or 1
# lr 0.1, seed 3: on GPU 0 or 1
# lr 0.01, seed 1: on GPU 0 or 1
# lr 0.01, seed 2: on GPU 0 or 1
# lr 0.01, seed 3: on GPU 0 or 1
