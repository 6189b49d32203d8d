import type { BucketSums, Sums } from '../evaluation/rollups/performanceStore.ts'
import { builder } from './builder/builder.ts'
import { Columns, type Lines } from './lists/columns.ts'

const PERCENTILES = {
  p50Ms: 'Median',
  p90Ms: '90th percentile',
  p95Ms: '95th percentile',
  p99Ms: '99th percentile',
}

/** Lines for each of the sums, with a filter and an order for lists of them. */
export function linesOfSums(of: string): Lines<Sums> {
  const percentiles = Object.entries(PERCENTILES).map(([field, name]) => [
    field,
    {
      kind: 'number',
      nullable: true,
      description: `${name} of a run’s milliseconds, at most 2.5 % off; null when unknown.`,
      order: `${name} of a run’s duration.`,
    },
  ])
  return {
    attempts: {
      kind: 'bigint',
      description: 'Attempts that ended.',
      filter: `By how many attempts ended in ${of}.`,
      order: 'How many attempts ended.',
    },
    runs: {
      kind: 'bigint',
      description: 'Runs that ended: each counts once, when its last attempt ended.',
      filter: `By how many runs ended in ${of}.`,
      order: 'How many runs ended.',
    },
    succeeded: { kind: 'bigint', description: 'Those that succeeded.' },
    failed: {
      kind: 'bigint',
      description: 'Those that ended in any other way.',
      filter: 'By how many of them ended without success.',
      order: 'How many of them ended without success.',
    },
    errors: {
      kind: 'bigint',
      description: 'Those that ended with an error, or without having reached their goal.',
    },
    timeouts: { kind: 'bigint', description: 'Those that took too long.' },
    cancelled: { kind: 'bigint', description: 'Those that were stopped.' },
    successRate: {
      kind: 'number',
      nullable: true,
      description: 'The share that succeeded, 0 to 1; null when no run ended.',
      filter: 'By the share that succeeded.',
      order: 'The share that succeeded.',
    },
    scored: { kind: 'bigint', description: 'Those that were graded.' },
    meanScore: {
      kind: 'number',
      nullable: true,
      description: 'Mean score of the graded ones; null when there is none.',
      filter: 'By mean score.',
      order: 'Their mean score.',
    },
    scoreDeviation: {
      kind: 'number',
      nullable: true,
      description:
        'Standard deviation of their scores (of a sample: n - 1); null when fewer than two were graded.',
    },
    tokens: {
      kind: 'bigint',
      nullable: true,
      description: 'Tokens of the attempts; null when unknown.',
      order: 'Tokens of the attempts.',
    },
    promptTokens: {
      kind: 'bigint',
      nullable: true,
      description: 'Prompt tokens of the attempts; null when unknown.',
    },
    completionTokens: {
      kind: 'bigint',
      nullable: true,
      description: 'Completion tokens of the attempts; null when unknown.',
    },
    costUsd: {
      kind: 'decimal',
      nullable: true,
      description: 'What the attempts cost; null when unknown.',
      filter: 'By what the attempts cost in US dollars.',
      order: 'What they cost.',
    },
    meanMs: {
      kind: 'number',
      nullable: true,
      description: 'Mean milliseconds of a run; null when unknown.',
      order: 'Mean duration of a run.',
    },
    ...Object.fromEntries(percentiles),
  }
}

export const PerformanceSums = builder.objectRef<Sums>('PerformanceSums').implement({
  description:
    'Sums of what ended in a range of time. Tokens and costs are of all attempts, as each was paid for; all else is of runs, each by its last attempt.',
  fields: (t) => ({ ...new Columns<Sums>(linesOfSums('the range')).fields(t) }),
})

export const PerformanceBucket = builder.objectRef<BucketSums>('PerformanceBucket').implement({
  description: 'The sums of one hour, day, week or month.',
  fields: (t) => ({
    ...new Columns<BucketSums>({
      bucket: { kind: 'time', description: 'When it begins.' },
      ...linesOfSums('the bucket'),
    }).fields(t),
  }),
})
