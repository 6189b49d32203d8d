import type { TenantTransaction } from '../../../db/tenantTransaction.ts'
import type { JsonObject } from '../../../json.ts'
import type { ChangeSummary } from '../../configurations/configDiff.ts'
import type { Evidence } from '../evidence.ts'
import type { Impact } from '../impact.ts'
import type { Scope } from '../scope.ts'

export type RuleName =
  | 'failing_tool'
  | 'timeout_limit'
  | 'uncovered_scenarios'
  | 'cheaper_model'
  | 'version_rollback'
  | 'flaky_scenarios'

type RecommendationType =
  | 'config_change'
  | 'scenario_addition'
  | 'tool_optimization'
  | 'performance_tuning'
  | 'evaluation_change'

/** What a rule concluded, from figures alone. */
export interface Found {
  /** What within the configuration it is about, e.g. the name of a tool: of one subject one recommendation is open at a time. */
  subject: string
  type: RecommendationType
  /** What to do and why, in whole sentences, with n and interval. */
  description: string
  /** 0.5 to 1: see confidenceOf. */
  confidence: number
  /** The figure that it rests on, by which later evidence is told from the same: see materiallyDiffers. */
  basis: { n: number; estimate: number; lower: number; upper: number }
  /** All figures, by their name with the unit. */
  facts: JsonObject
  impact: Impact | null
  /** What to change in the YAML of the version; undefined where nothing there would do it. */
  changes?: ChangeSummary
  /** The version whose whole YAML is to take its place. */
  restores?: string
  evidence: Evidence[]
}

/** An earlier recommendation, about the same version or an earlier one. */
export interface Earlier {
  subject: string
  /** The version to go back to, if it suggests one. */
  restores: string | undefined
}

/** Why what was found earlier is not so any more. */
export interface Objection {
  reason: string
  /** Whether there is enough to say it of another version than that which the earlier one is about. */
  isSure: boolean
}

/** What came of looking: recommendations, or in words why there is none. */
export type Finding = (
  | { status: 'FOUND'; found: Found[] }
  | { status: 'NOTHING_FOUND' | 'INSUFFICIENT_DATA'; reason: string }
) & {
  /**
   * What there is to say against an earlier recommendation that is not among what was found; null where the figures still speak for it. A rule finds by a bound and is
   * contradicted by the estimate, so that what lies near a threshold does not come and go with each run.
   */
  against(earlier: Earlier): Objection | null
}

export interface Rule {
  name: RuleName
  look(transaction: Pick<TenantTransaction, 'query'>, scope: Scope): Promise<Finding>
}

/** Without `against` the reason stands against all that was found earlier. */
export const insufficient = (
  reason: string,
  against: Finding['against'] = () => ({ reason, isSure: false }),
): Finding => ({ status: 'INSUFFICIENT_DATA', reason, against })
export const nothing = (
  reason: string,
  against: Finding['against'] = () => ({ reason, isSure: true }),
): Finding => ({ status: 'NOTHING_FOUND', reason, against })
