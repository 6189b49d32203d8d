import { gateSource, gateValues } from '../evaluation/comparison/comparisonStore.ts'
import {
  DEFAULT_RULES,
  type Gate,
  type GateReason,
  type GateRules,
  regressionGate,
} from '../evaluation/comparison/regressionGate.ts'
import { Refusal } from '../refusal.ts'
import { MAX_TAGS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import { computedField } from './builder/computation.ts'
import type { InputBounds } from './builder/inputBounds.ts'
import { ErrorCategoryEnum } from './outcome.ts'
import { COMPARISON_COST } from './simulationComparison.ts'

const MOST_SCENARIOS = 1_000

const GateRule = builder.enumType('GateRule', {
  description: 'What a candidate has to fulfil.',
  values: {
    ENDED: { value: 'ended', description: 'Both simulations are completed. It is named where they are not.' },
    SCENARIOS: { value: 'scenarios', description: 'Both have runs of enough scenarios.' },
    REPETITIONS: { value: 'repetitions', description: 'Each of these has enough repetitions on both sides.' },
    SUCCESS_DROP: { value: 'success_drop', description: 'Success is worse by less than the margin.' },
    SCORE_DROP: { value: 'score_drop', description: 'The score is worse by less than the margin.' },
    COST_INCREASE: { value: 'cost_increase', description: 'Runs cost no more than that much more.' },
    TOKENS_INCREASE: {
      value: 'tokens_increase',
      description: 'Runs take no more than that much more tokens.',
    },
    DURATION_INCREASE: {
      value: 'duration_increase',
      description: 'Runs take no more than that much longer.',
    },
    SUCCESS_RATE: { value: 'success_rate', description: 'Enough of the candidate’s runs succeed.' },
    REGRESSED_SCENARIOS: {
      value: 'regressed_scenarios',
      description: 'No scenario that is watched went worse.',
    },
    NEW_FAILURE_CATEGORIES: {
      value: 'new_failure_categories',
      description: 'No run fails for a kind of reason that the baseline does not know.',
    },
  } as const,
})

const GateStatus = builder.enumType('GateStatus', {
  description: 'What became of a rule.',
  values: {
    PASSED: { value: 'passed', description: 'It is fulfilled.' },
    FAILED: { value: 'failed', description: 'It is not.' },
    INSUFFICIENT_DATA: { value: 'insufficient_data', description: 'The runs do not tell.' },
  } as const,
})

const InsufficientData = builder.enumType('InsufficientDataRule', {
  description: 'What becomes of a gate when the runs do not tell.',
  values: {
    FAIL: { value: 'fail', description: 'It does not pass.' },
    PASS: { value: 'pass', description: 'It passes all the same.' },
  } as const,
})

const NoRegressedScenarios = builder.inputType('NoRegressedScenarios', {
  description: 'Which scenarios may not go worse; all, where nothing is said.',
  fields: (t) => ({
    scenarioIds: t.stringList({
      extensions: { bounds: { entries: MOST_SCENARIOS, characters: 1_000 } satisfies InputBounds },
      description: 'These, by key.',
    }),
    tags: t.stringList({
      extensions: { bounds: { entries: MAX_TAGS, characters: 1_000 } satisfies InputBounds },
      description: 'Those that have one of these tags.',
    }),
    tolerance: t.float({
      required: true,
      defaultValue: 0,
      description: 'Shares of runs and mean scores (0 to 1) that differ by no more count as equal.',
    }),
  }),
})

const off = 'null: not asked.'

const GateRulesInput = builder.inputType('GateRulesInput', {
  description: 'What a candidate has to fulfil; all of it.',
  fields: (t) => ({
    successDrop: t.float({
      defaultValue: DEFAULT_RULES.successDrop,
      description: `The share of runs that succeed drops by less than this, shown at 95 %; more than 0, and at most 1; ${off}`,
    }),
    scoreDrop: t.float({
      defaultValue: DEFAULT_RULES.scoreDrop,
      description: `The mean score drops by less than this, likewise; not asked either where no run has a score; ${off}`,
    }),
    costIncrease: t.float({
      description: `Mean cost rises by no more than this share of the baseline’s; ${off}`,
    }),
    tokensIncrease: t.float({
      description: `Mean tokens rise by no more than this share of the baseline’s; ${off}`,
    }),
    durationIncrease: t.float({
      description: `Mean duration rises by no more than this share of the baseline’s; ${off}`,
    }),
    minSuccessRate: t.float({
      description: `So large a share of the candidate’s runs succeeds, 0 to 1; ${off}`,
    }),
    regressedScenarios: t.field({
      type: NoRegressedScenarios,
      description: `None of these scenarios goes worse; ${off}`,
    }),
    noNewFailureCategories: t.boolean({
      required: true,
      defaultValue: false,
      description: 'No run fails for a kind of reason that no run of the baseline fails for.',
    }),
    minScenarios: t.int({ description: `Both have runs of so many scenarios; ${off}` }),
    minRepetitions: t.int({
      description: `Each of these has so many repetitions on both sides; ${off}`,
    }),
    insufficientData: t.field({
      type: InsufficientData,
      required: true,
      defaultValue: 'fail',
      description: 'What becomes of it when the runs do not tell.',
    }),
  }),
})

const GateReasonType = builder.objectRef<GateReason>('GateReason').implement({
  description: 'What became of one rule of a gate, and why.',
  fields: (t) => ({
    rule: t.field({ type: GateRule, description: 'The rule.', resolve: ({ rule }) => rule }),
    status: t.field({ type: GateStatus, description: 'What became of it.', resolve: ({ status }) => status }),
    value: t.exposeFloat('value', {
      nullable: true,
      description: 'What was seen, in the unit of the limit; null where nothing tells.',
    }),
    limit: t.exposeFloat('limit', {
      nullable: true,
      description: 'What it was held against; null for what has no number.',
    }),
    message: t.exposeString('message', { description: 'The same in words.' }),
    scenarioIds: t.exposeStringList('scenarioIds', {
      description: 'The scenarios that went worse, of REGRESSED_SCENARIOS.',
    }),
    categories: t.field({
      type: [ErrorCategoryEnum],
      description: 'The kinds of errors that are new, of NEW_FAILURE_CATEGORIES.',
      resolve: ({ categories }) => categories as (typeof ErrorCategoryEnum.$inferType)[],
    }),
  }),
})

const RegressionGateType = builder.objectRef<Gate>('RegressionGate').implement({
  description: 'Whether a candidate may take the place of a baseline.',
  fields: (t) => ({
    passed: t.exposeBoolean('passed', {
      description:
        'Whether all rules are fulfilled; with `insufficientData: PASS`, whether none is known not to be.',
    }),
    reasons: t.field({
      type: [GateReasonType],
      description: 'Each rule that was asked.',
      resolve: ({ reasons }) => reasons,
    }),
  }),
})

type GivenRules = { readonly [Rule in keyof GateRules]?: GateRules[Rule] | undefined }

/** @throws Refusal BAD_USER_INPUT */
function rulesOf(given: GateArgs['rules']): GateRules {
  const { regressedScenarios: watched, ...rest }: Partial<typeof GateRulesInput.$inferInput> = given ?? {}
  const check = (
    name: string,
    value: number | null | undefined,
    least: number,
    most: number,
    words: string,
  ) => {
    if (value != null && !(value >= least && value <= most))
      throw new Refusal('BAD_USER_INPUT', `${name} is ${value}, but must be ${words}.`, ['rules', name])
  }
  for (const name of ['successDrop', 'scoreDrop'] as const)
    check(name, rest[name], Number.MIN_VALUE, 1, 'more than 0 and at most 1')
  for (const name of ['costIncrease', 'tokensIncrease', 'durationIncrease'] as const)
    check(name, rest[name], 0, Number.MAX_VALUE, '0 or more')
  check('minSuccessRate', rest.minSuccessRate, 0, 1, '0 to 1')
  for (const name of ['minScenarios', 'minRepetitions'] as const)
    check(name, rest[name], 1, Number.MAX_SAFE_INTEGER, '1 or more')
  check('regressedScenarios.tolerance', watched?.tolerance, 0, 1, '0 to 1')
  const rules: GivenRules = {
    ...rest,
    regressedScenarios: watched && {
      scenarioIds: watched.scenarioIds ?? null,
      tags: watched.tags ?? null,
      tolerance: watched.tolerance ?? 0,
    },
  }
  const said = Object.entries(rules).filter(([, value]) => value !== undefined)
  return { ...DEFAULT_RULES, ...Object.fromEntries(said) }
}

interface GateArgs {
  baseline: string
  candidate: string
  rules?: typeof GateRulesInput.$inferInput | null | undefined
}

builder.queryField('regressionGate', (t) =>
  t.field({
    type: RegressionGateType,
    nullable: true,
    description:
      'Whether a candidate may take the place of a baseline, by rules, over the scenarios that both have runs of; null when one of them is not there.',
    args: {
      baseline: t.arg({
        type: 'UUID',
        required: true,
        description: 'The key of the simulation to compare with.',
      }),
      candidate: t.arg({
        type: 'UUID',
        required: true,
        description: 'The key of the simulation that is to take its place.',
      }),
      rules: t.arg({
        type: GateRulesInput,
        description: 'What it has to fulfil; as the fields say by default.',
      }),
    },
    ...computedField<GateArgs, Gate | null>({
      cost: 2 * COMPARISON_COST,
      source: ({ baseline, candidate, rules }) =>
        gateSource(baseline, candidate, rulesOf(rules).regressedScenarios?.tags ?? []),
      value: async (read, { rules }) => {
        const { values, tagged } = await gateValues(read)
        return regressionGate(values, rulesOf(rules), tagged)
      },
    }),
  }),
)
