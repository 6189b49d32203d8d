import { randomUUID } from 'node:crypto'
import { REFUSED_MODEL } from './globalSetup.ts'

type Row = Record<string, unknown>

/** Of one tenant: a configuration with two versions, a running simulation of the scenario `refund`, an outcome of it, an API key, an alert rule with an alert, a recommendation. */
export interface RuleKeys {
  user_id: string
  config_id: string
  version_id: string
  other_version_id: string
  simulation_id: string
  outcome_id: string
  secret_hash: Buffer
  rule_id: string
  alert_id: string
  diff_id: string
  recommendation_id: string
}

interface Rules {
  /** A row that is taken. */
  row: Row
  /** Changes of it that are taken too. */
  takes?: Row[]
  /** Changes of it that are refused, under the constraint that refuses them. */
  refuses: Record<string, Row[]>
}

const x = (length: number) => 'x'.repeat(length)
const HASH = 'a'.repeat(64)
/** Of an outcome; what is empty is null. */
const usedTool = ({ name = 'search', calls = '1', durationMs = '', rate = '1', costUsd = '' }) => ({
  used_tools: [`(${name},${calls},${durationMs},${rate},,${costUsd},)`],
})
const JSON_LIST = '[]'
const WEBHOOK_SECRET = `whsec_${'A'.repeat(43)}=`
const FAR_AHEAD = '2999-01-01T00:00:00Z'
const LONG_AGO = '2000-01-01T00:00:00Z'

/** As a rule makes one. */
const madeByRule = (keys: RuleKeys): Row => ({
  rule: 'failing_tool',
  config_id: keys.config_id,
  config_version_id: keys.version_id,
  subject: 'search',
  fingerprint: HASH,
  facts: '{}',
  basis: '{}',
})

/** What each table takes and refuses, whoever writes. */
export const constraintRules = (keys: RuleKeys): Record<string, Rules> => ({
  'public.configurations': {
    row: { user_id: keys.user_id, name: 'an agent' },
    takes: [{ name: 'ä€😀' }, { name: x(100) }, { modal_app_id: x(200) }],
    refuses: {
      configurations_name_check: ['ab', x(101), ' an agent', 'an agent ', 'an\nagent', 'an\u0007agent'].map(
        (name) => ({ name }),
      ),
      configurations_modal_app_id_check: [{ modal_app_id: x(201) }],
      configurations_description_check: [{ description: x(10_001) }],
      configurations_tags_check: [{ tags: Array(21).fill('tag') }],
      configurations_check: [{ created_at: FAR_AHEAD }],
      configurations_latest_version: [{ latest_version_id: keys.version_id }],
      configurations_pkey: [{ config_id: keys.config_id }],
    },
  },
  'public.config_versions': {
    row: {
      user_id: keys.user_id,
      config_id: keys.config_id,
      version_number: 9,
      raw_yaml: 'model: x',
      parsed_config: { model: 'x', temperature: null },
      config_hash: HASH,
    },
    takes: [0, 2, 0.7, null].map((temperature) => ({ parsed_config: { model: 'x', temperature } })),
    refuses: {
      config_versions_config_hash_check: ['A'.repeat(64), 'a'.repeat(63), 'g'.repeat(64), `${HASH}\n`].map(
        (config_hash) => ({ config_hash }),
      ),
      config_versions_generated_by_check: [{ generated_by: 'magic' }],
      config_versions_parsed_config_check: [{ parsed_config: { model: 7, temperature: null } }],
      config_versions_parsed_config_check1: [2.1, -0.1, 'hot', '1', true, [1], undefined].map(
        (temperature) => ({
          parsed_config: { model: 'x', temperature },
        }),
      ),
      config_versions_raw_yaml_check: [{ raw_yaml: x(1_048_577) }],
      config_versions_version_number_check: [{ version_number: 0 }],
      config_versions_user_id_config_id_fkey: [{ config_id: randomUUID() }],
      config_versions_user_id_config_id_version_number_key: [{ version_number: 1 }],
      config_versions_pkey: [{ version_id: keys.version_id }],
    },
  },
  'public.config_diffs': {
    row: {
      user_id: keys.user_id,
      config_id: keys.config_id,
      version_before: keys.other_version_id,
      version_after: keys.version_id,
      diff_yaml: '',
    },
    takes: [
      { approval_status: 'approved', approved_at: FAR_AHEAD },
      { approval_status: 'rejected', rejected_at: FAR_AHEAD, decision_comment: x(10_000) },
    ],
    refuses: {
      config_diffs_check: [{ version_before: keys.version_id }],
      config_diffs_approved: [
        { approval_status: 'approved' },
        { approved_at: FAR_AHEAD },
        { approval_status: 'rejected', rejected_at: FAR_AHEAD, approved_at: FAR_AHEAD },
      ],
      config_diffs_rejected: [{ approval_status: 'rejected' }, { rejected_at: FAR_AHEAD }],
      config_diffs_approval_status_check: [{ approval_status: 'perhaps' }],
      config_diffs_decision_comment_check: [{ decision_comment: '' }, { decision_comment: x(10_001) }],
      config_diffs_diff_yaml_check: [{ diff_yaml: x(4_194_305) }],
      config_diffs_user_id_config_id_fkey: [{ config_id: randomUUID() }],
      config_diffs_user_id_config_id_version_before_fkey: [{ version_before: randomUUID() }],
      config_diffs_user_id_config_id_version_after_fkey: [{ version_after: randomUUID() }],
    },
  },
  'public.diff_changes': {
    row: { user_id: keys.user_id, diff_id: keys.diff_id, path: '/other', op: 'replace' },
    takes: [
      { direction: 'increase' },
      { path: x(500), op: 'add' },
      { value_before: x(200), value_after: x(200) },
    ],
    refuses: {
      diff_changes_path_check: [{ path: x(501) }],
      diff_changes_op_check: [{ op: 'move' }],
      diff_changes_direction_check: [{ direction: 'sideways' }],
      diff_changes_value_before_check: [{ value_before: x(201) }],
      diff_changes_value_after_check: [{ value_after: x(201) }],
      diff_changes_user_id_diff_id_fkey: [{ diff_id: randomUUID() }],
    },
  },
  'public.diff_effects': {
    row: {
      user_id: keys.user_id,
      diff_id: keys.diff_id,
      metric: 'tokens',
      baseline_id: keys.simulation_id,
      candidate_id: keys.simulation_id,
      run_pairs: 1,
      completed_at: LONG_AGO,
      scenarios: 1,
      revised_scenarios: 0,
      baseline_mean: 1,
      candidate_mean: 2,
      difference: 1,
      p_value: 1,
      verdict: 'INSUFFICIENT_DATA',
    },
    takes: [
      { lower: -1, upper: 3 },
      { effect: 0.7, variance: 0.01 },
    ],
    refuses: {
      diff_effects_metric_check: [{ metric: 'mood' }],
      diff_effects_run_pairs_check: [{ run_pairs: 0 }],
      diff_effects_scenarios_check: [{ scenarios: 0 }],
      diff_effects_revised_scenarios_check: [{ revised_scenarios: -1 }],
      diff_effects_p_value_check: [{ p_value: 1.1 }],
      diff_effects_verdict_check: [{ verdict: 'PERHAPS' }],
      diff_effects_variance_check: [{ variance: 0 }],
      has_both_bounds: [{ lower: 1 }],
      diff_effects_user_id_diff_id_fkey: [{ diff_id: randomUUID() }],
      diff_effects_user_id_baseline_id_fkey: [{ baseline_id: randomUUID() }],
      diff_effects_user_id_candidate_id_fkey: [{ candidate_id: randomUUID() }],
    },
  },
  'public.change_effects': {
    row: {
      user_id: keys.user_id,
      path: '/other',
      op: 'replace',
      metric: 'score',
      only_diffs: 1,
      only_run_pairs: 1,
      diffs: 2,
      run_pairs: 2,
    },
    takes: [
      { direction: 'decrease', path: x(500) },
      { value_before: x(200), value_after: x(200) },
      { only_lower: 0, only_upper: 1, lower: 0, upper: 1 },
    ],
    refuses: {
      change_effects_path_check: [{ path: x(501) }],
      change_effects_op_check: [{ op: 'move' }],
      change_effects_direction_check: [{ direction: 'sideways' }],
      change_effects_value_before_check: [{ value_before: x(201) }],
      change_effects_value_after_check: [{ value_after: x(201) }],
      change_effects_metric_check: [{ metric: 'mood' }],
      change_effects_only_diffs_check: [{ only_diffs: -1 }],
      change_effects_only_run_pairs_check: [{ only_run_pairs: -1 }],
      change_effects_diffs_check: [{ diffs: 0, only_diffs: 0 }],
      change_effects_run_pairs_check: [{ run_pairs: 0, only_run_pairs: 0 }],
      only_are_among_all: [{ only_diffs: 3 }, { only_run_pairs: 3 }],
      only_has_both_bounds: [{ only_lower: 0 }],
      has_both_bounds: [{ upper: 0 }],
    },
  },
  'public.stale_diffs': {
    row: { user_id: keys.user_id, diff_id: keys.diff_id },
    takes: [{ diff_id: null }],
    refuses: { stale_diffs_user_id_diff_id_fkey: [{ diff_id: randomUUID() }] },
  },
  'public.deletions': {
    row: { user_id: keys.user_id, scenario_id: 'refund', name: 'Refund' },
    takes: [
      { scenario_id: null, config_id: keys.config_id },
      { scenario_id: null, simulation_id: keys.simulation_id },
    ],
    refuses: {
      deletions_check: [{ scenario_id: null }, { config_id: keys.config_id }],
      deletions_user_id_config_id_fkey: [{ scenario_id: null, config_id: randomUUID() }],
      deletions_user_id_scenario_id_fkey: [{ scenario_id: 'nothing' }],
      deletions_user_id_simulation_id_fkey: [{ scenario_id: null, simulation_id: randomUUID() }],
      deletions_user_id_with_deletion_id_fkey: [{ with_deletion_id: randomUUID() }],
    },
  },
  'public.failure_group_notes': {
    row: { user_id: keys.user_id, signature: 'a'.repeat(32), note: 'A note.' },
    takes: [{ note: x(10_000), resolution_steps: x(10_000) }],
    refuses: {
      failure_group_notes_signature_check: [{ signature: '' }, { signature: x(101) }],
      failure_group_notes_note_check: [{ note: '' }, { note: x(10_001) }],
      failure_group_notes_resolution_steps_check: [{ resolution_steps: '' }, { resolution_steps: x(10_001) }],
      updated_after_created: [{ created_at: FAR_AHEAD }],
    },
  },
  'store.failure_grouping_models': {
    row: { model: 'openai:m failure#1', least_similarity: 0.5, least_mean: 0.3 },
    takes: [{ model: x(200), least_similarity: 1, least_mean: 1 }],
    refuses: {
      failure_grouping_models_model_check: [{ model: '' }, { model: x(201) }],
      failure_grouping_models_least_similarity_check: [{ least_similarity: 0 }, { least_similarity: 1.1 }],
      failure_grouping_models_least_mean_check: [{ least_mean: 0 }, { least_mean: 1.1 }],
    },
  },
  'store.embeddings': {
    row: {
      user_id: keys.user_id,
      kind: 'scenario',
      model: 'mine',
      subject: 'refund',
      embedding: `[1${',0'.repeat(1_535)}]`,
    },
    takes: [{ text_sha256: Buffer.alloc(32) }, { model: x(200) }, { subject: x(100) }],
    refuses: {
      embeddings_kind_check: [{ kind: 'tool' }],
      embeddings_model_check: [{ model: '' }, { model: x(201) }],
      embeddings_subject_check: [{ subject: '' }, { subject: x(101) }],
      embeddings_text_sha256_check: [{ text_sha256: Buffer.alloc(31) }],
    },
  },
  'public.outcome_notes': {
    row: {
      user_id: keys.user_id,
      outcome_id: keys.outcome_id,
      simulation_id: keys.simulation_id,
      text: 'A note.',
    },
    takes: [{ text: x(10_000) }],
    refuses: {
      outcome_notes_text_check: [{ text: '' }, { text: x(10_001) }],
      outcome_notes_check: [{ created_at: FAR_AHEAD }],
      outcome_notes_user_id_outcome_id_fkey: [{ outcome_id: randomUUID() }],
    },
  },
  'public.scenarios': {
    row: {
      user_id: keys.user_id,
      scenario_id: 'a_scenario',
      name: 'A scenario',
      task_prompt: 'Do it.',
      content_hash: HASH,
    },
    takes: [
      { scenario_id: 'a'.repeat(100) },
      { tags: Array(20).fill('tag') },
      { tags: [] },
      { ground_truth: 'null' },
      { external_id: 'Any / thing: 7' },
    ],
    refuses: {
      scenarios_scenario_id_check: ['', 'Upper', 'a-b', 'a b', 'ä', 'a\n', 'a'.repeat(101)].map(
        (scenario_id) => ({
          scenario_id,
        }),
      ),
      scenarios_external_id_check: [{ external_id: x(501) }],
      scenarios_source_check: [{ source: x(201) }],
      scenarios_name_check: [{ name: '' }, { name: x(201) }],
      scenarios_task_prompt_check: [{ task_prompt: '' }, { task_prompt: x(1_048_577) }],
      scenarios_difficulty_level_check: [{ difficulty_level: 'impossible' }],
      scenarios_tags_check: [{ tags: Array(21).fill('tag') }],
      scenarios_estimated_duration_ms_check: [{ estimated_duration_ms: 0 }],
      scenarios_metadata_check: [{ metadata: JSON_LIST }],
      scenarios_content_hash_check: [{ content_hash: 'a' }],
      scenarios_revision_check: [{ revision: 0 }],
      scenarios_check: [{ updated_at: LONG_AGO }],
      scenarios_pkey: [{ scenario_id: 'refund' }],
    },
  },
  'public.simulations': {
    row: {
      user_id: keys.user_id,
      config_version_id: keys.version_id,
      scenario_set: ['refund', 'cancel'],
      total_scenarios: 2,
    },
    takes: [
      { succeeded_scenarios: 1, failed_scenarios: 1 },
      { repetitions: 3, total_scenarios: 6 },
      { overall_score: 0 },
      { overall_score: 1 },
      ...['completed', 'failed', 'cancelled'].map((status) => ({
        status,
        started_at: FAR_AHEAD,
        completed_at: FAR_AHEAD,
      })),
      ...['failed', 'cancelled'].map((status) => ({ status, completed_at: FAR_AHEAD })),
      { status: 'failed', completed_at: FAR_AHEAD, runner_lost: true },
    ],
    refuses: {
      simulations_description_check: [{ description: x(10_001) }],
      simulations_tags_check: [{ tags: Array(21).fill('tag') }],
      first_outcome_before_last: [{ first_outcome_at: FAR_AHEAD, last_outcome_at: '2020-01-01' }],
      has_both_outcome_times: [{ first_outcome_at: FAR_AHEAD }, { last_outcome_at: FAR_AHEAD }],
      lost_has_failed: [
        { runner_lost: true },
        { status: 'cancelled', completed_at: FAR_AHEAD, runner_lost: true },
      ],
      simulations_result_given_check: [{ result_given: ['total_tokens'] }],
      simulations_scenario_set_check: [
        { scenario_set: [], total_scenarios: 1 },
        { scenario_set: Array(100_001).fill('a'), total_scenarios: 100_001 },
      ],
      simulations_repetitions_check: [
        { repetitions: 0, total_scenarios: 1 },
        { repetitions: 1001, total_scenarios: 2002 },
      ],
      simulations_simulation_name_check: [{ simulation_name: x(201) }],
      simulations_status_check: [{ status: 'paused' }],
      simulations_modal_app_id_check: [{ modal_app_id: x(201) }],
      simulations_modal_environment_check: [{ modal_environment: x(201) }],
      simulations_sandbox_instances_check: [{ sandbox_instances: 0 }],
      simulations_total_scenarios_check: [{ total_scenarios: 0 }],
      total_is_scenarios_times_repetitions: [{ total_scenarios: 3 }, { repetitions: 2 }],
      simulations_completed_scenarios_check: [{ succeeded_scenarios: -1 }],
      simulations_failed_scenarios_check: [{ failed_scenarios: -1 }],
      simulations_scored_scenarios_check: [{ scored_scenarios: -1 }],
      counts_within_total: [{ succeeded_scenarios: 3 }, { succeeded_scenarios: 1, failed_scenarios: 2 }],
      simulations_overall_score_check: [1.01, -0.01, 'NaN', 'Infinity'].map((overall_score) => ({
        overall_score,
      })),
      simulations_execution_time_ms_check: [{ execution_time_ms: -1 }],
      simulations_total_tokens_check: [{ total_tokens: -1 }],
      simulations_total_cost_usd_check: [{ total_cost_usd: -0.01 }],
      simulations_metadata_check: [{ metadata: JSON_LIST }],
      simulations_timeout_ms_check: [{ timeout_ms: 0 }],
      simulations_max_retries_check: [{ max_retries: -1 }],
      simulations_priority_check: [{ priority: 0 }, { priority: 11 }],
      simulations_error_message_check: [{ error_message: x(10_001) }],
      begun_has_started_at: [{ status: 'running' }, { status: 'completed', completed_at: FAR_AHEAD }],
      ended_has_completed_at: [
        { status: 'completed', started_at: FAR_AHEAD },
        { status: 'failed' },
        { status: 'cancelled' },
        { status: 'running', started_at: FAR_AHEAD, completed_at: FAR_AHEAD },
        { completed_at: FAR_AHEAD },
      ],
      started_after_created: [{ started_at: LONG_AGO }],
      completed_after_started: [{ status: 'failed', started_at: FAR_AHEAD, completed_at: '2998-01-01' }],
      simulations_user_id_config_version_id_fkey: [{ config_version_id: randomUUID() }],
      simulations_pkey: [{ simulation_id: keys.simulation_id }],
    },
  },
  'public.simulations_scenarios': {
    row: {
      user_id: keys.user_id,
      simulation_id: keys.simulation_id,
      scenario_id: 'refund',
      repetition: 7,
      execution_order: 1,
    },
    refuses: {
      simulations_scenarios_repetition_check: [{ repetition: 0 }],
      simulations_scenarios_status_check: [{ status: 'completed' }],
      simulations_scenarios_attempts_check: [{ attempts: -1 }],
      simulations_scenarios_reliability_score_check: [1.01, -0.01, 'NaN'].map((reliability_score) => ({
        reliability_score,
      })),
      simulations_scenarios_user_id_simulation_id_fkey: [{ simulation_id: randomUUID() }],
      simulations_scenarios_user_id_scenario_id_fkey: [{ scenario_id: 'nobodys' }],
      simulations_scenarios_pkey: [{ repetition: 1 }],
    },
  },
  'public.simulation_events': {
    row: {
      user_id: keys.user_id,
      simulation_id: keys.simulation_id,
      seq: 99,
      kind: 'PROGRESS',
      status: 'running',
      total_scenarios: 1,
      succeeded_scenarios: 0,
      failed_scenarios: 0,
      change: 1_000_000,
    },
    refuses: {
      simulation_events_change_check: [{ change: 0 }],
      simulation_events_change: [{ change: 1 }],
      simulation_events_seq_check: [{ seq: 0 }],
      simulation_events_kind_check: [{ kind: 'progress' }],
      simulation_events_user_id_simulation_id_fkey: [{ simulation_id: randomUUID() }],
      simulation_events_pkey: [{ seq: 1 }],
    },
  },
  'store.jobs': {
    row: { name: 'another_job', every: '1 second' },
    refuses: {
      jobs_every_check: [{ every: '0 seconds' }, { every: '-1 day' }],
      jobs_pkey: [{ name: 'expire_outcomes' }],
    },
  },
  'store.change_counters': {
    row: { user_id: randomUUID(), latest: 1 },
    refuses: {
      change_counters_latest_check: [{ latest: 0 }],
      change_counters_pkey: [{ user_id: keys.user_id }],
    },
  },
  'store.simulation_heartbeats': {
    row: { user_id: keys.user_id, simulation_id: keys.simulation_id },
    refuses: { simulation_heartbeats_user_id_simulation_id_fkey: [{ simulation_id: randomUUID() }] },
  },
  'store.run_heartbeats': {
    row: { user_id: keys.user_id, simulation_id: keys.simulation_id, scenario_id: 'refund', repetition: 1 },
    refuses: {
      run_heartbeats_run_fkey: [
        { simulation_id: randomUUID() },
        { scenario_id: 'nothing' },
        { repetition: 7 },
      ],
    },
  },
  'store.outcome_keys': {
    row: {
      user_id: keys.user_id,
      outcome_id: randomUUID(),
      simulation_id: keys.simulation_id,
      execution_time: LONG_AGO,
    },
    refuses: {
      outcome_keys_pkey: [{ outcome_id: keys.outcome_id }],
    },
  },
  'store.outcomes': {
    row: {
      user_id: keys.user_id,
      outcome_id: randomUUID(),
      simulation_id: keys.simulation_id,
      scenario_id: 'refund',
      execution_time: '2026-01-15T12:00:00Z',
      status: 'success',
      event_seq: 1,
      config_version_id: keys.version_id,
    },
    takes: [
      { reliability_score: 0 },
      { reliability_score: 1 },
      { error_category: 'sandbox_error' },
      { execution_time: LONG_AGO },
      usedTool({}),
      usedTool({ durationMs: '0.5', rate: '0', costUsd: '0' }),
    ],
    refuses: {
      only_the_database_refuses: [{ model: REFUSED_MODEL }],
      outcomes_repetition_check: [{ repetition: 0 }],
      outcomes_status_check: [{ status: 'failed' }],
      outcomes_reliability_score_check: [1.01, -0.01, 'NaN'].map((reliability_score) => ({
        reliability_score,
      })),
      outcomes_execution_time_ms_check: [{ execution_time_ms: -1 }],
      outcomes_tokens_used_check: [{ tokens_used: -1 }],
      outcomes_step_count_check: [{ step_count: -1 }],
      outcomes_prompt_tokens_check: [{ prompt_tokens: -1 }],
      outcomes_completion_tokens_check: [{ completion_tokens: -1 }],
      outcomes_cost_usd_check: [{ cost_usd: -0.000_001 }],
      outcomes_error_category_check: [{ error_category: 'bad_luck' }],
      outcomes_retry_count_check: [{ retry_count: -1 }],
      outcomes_metrics_check: [{ metrics: JSON_LIST }],
      tool_name_check: ['""', '', x(101)].map((name) => usedTool({ name })),
      call_count_check: [usedTool({ calls: '0' }), usedTool({ calls: '' })],
      call_milliseconds_check: [usedTool({ durationMs: '-1' })],
      success_rate_check: ['1.1', '-0.1', 'NaN', ''].map((rate) => usedTool({ rate })),
      call_cost_usd_check: [usedTool({ costUsd: '-1' })],
    },
  },
  'store.trajectories': {
    row: {
      user_id: keys.user_id,
      outcome_id: randomUUID(),
      execution_time: '2026-01-15T12:00:00Z',
      trajectory: { start_time: null, status: 'success' },
    },
    takes: [
      { execution_time: LONG_AGO },
      { trajectory: { start_time: 'x', status: 'error', error: 'no sandbox' } },
    ],
    refuses: {
      trajectories_trajectory_check: [
        {},
        { start_time: 'x' },
        { status: 'x' },
        'text',
        ['start_time', 'status'],
      ].map((trajectory) => ({ trajectory: JSON.stringify(trajectory) })),
    },
  },
  'public.failure_patterns': {
    row: {
      user_id: keys.user_id,
      pattern_id: randomUUID(),
      outcome_id: keys.outcome_id,
      simulation_id: keys.simulation_id,
      execution_time: LONG_AGO,
      failure_type: 'ValueError',
      failure_category: 'unknown',
      signature: 'x',
    },
    takes: [{ recovery_attempted: true, recovery_successful: true }, { recovery_attempted: true }],
    refuses: {
      failure_patterns_failure_type_check: [{ failure_type: '' }, { failure_type: x(101) }],
      failure_patterns_failure_category_check: [{ failure_category: 'bad_luck' }],
      failure_patterns_error_message_check: [{ error_message: x(10_001) }],
      failure_patterns_similar_failures_check: [{ similar_failures: -1 }],
      failure_patterns_check: [{ recovery_successful: true }],
    },
  },
  'public.recommendations': {
    row: {
      user_id: keys.user_id,
      source_type: 'simulation',
      source_id: keys.simulation_id,
      recommendation_type: 'config_change',
      description: 'Ten chars.',
      confidence: 1,
    },
    takes: [
      { confidence: 0 },
      { applied: true, applied_at: FAR_AHEAD },
      { feedback_score: 5 },
      { dismissed_at: FAR_AHEAD, dismissal_reason: 'x' },
      { ...madeByRule(keys), suggested_changes: JSON_LIST },
      { ...madeByRule(keys), fingerprint: 'c'.repeat(64), obsolete_at: FAR_AHEAD, obsolete_reason: 'x' },
      { ...madeByRule(keys), fingerprint: 'b'.repeat(64), restores_version_id: keys.other_version_id },
    ],
    refuses: {
      recommendations_source_type_check: [{ source_type: 'dream' }],
      recommendations_recommendation_type_check: [{ recommendation_type: 'dream' }],
      recommendations_description_check: [{ description: 'Nine char' }],
      recommendations_confidence_check: [{ confidence: 1.1 }, { confidence: 'NaN' }],
      recommendations_check: [{ applied: true }, { applied_at: FAR_AHEAD }],
      recommendations_feedback_score_check: [{ feedback_score: 0 }, { feedback_score: 6 }],
      recommendations_rule_check: [{ ...madeByRule(keys), rule: 'dream' }],
      recommendations_fingerprint_check: [{ ...madeByRule(keys), fingerprint: 'x' }],
      recommendations_worded_by_check: [{ worded_by: '' }, { worded_by: x(201) }],
      recommendations_dismissal_reason_check: [
        { dismissed_at: FAR_AHEAD, dismissal_reason: '' },
        { dismissed_at: FAR_AHEAD, dismissal_reason: x(10_001) },
      ],
      recommendations_obsolete_reason_check: ['', x(10_001)].map((obsolete_reason) => ({
        ...madeByRule(keys),
        obsolete_at: FAR_AHEAD,
        obsolete_reason,
      })),
      obsolete_for_a_reason: [{ ...madeByRule(keys), obsolete_at: FAR_AHEAD }],
      obsolete_undecided: [
        { obsolete_at: FAR_AHEAD, obsolete_reason: 'x' },
        {
          ...madeByRule(keys),
          obsolete_at: FAR_AHEAD,
          obsolete_reason: 'x',
          applied: true,
          applied_at: FAR_AHEAD,
        },
        {
          ...madeByRule(keys),
          obsolete_at: FAR_AHEAD,
          obsolete_reason: 'x',
          dismissed_at: FAR_AHEAD,
          dismissal_reason: 'x',
        },
      ],
      recommendations_config: [{ ...madeByRule(keys), config_id: randomUUID() }],
      recommendations_version: [{ ...madeByRule(keys), config_version_id: randomUUID() }],
      recommendations_restores: [{ restores_version_id: randomUUID() }],
      recommendations_applied_version: [{ applied_version_id: randomUUID() }],
      recommendations_applied_diff: [{ applied_diff_id: randomUUID() }],
      recommendations_superseded_by: [{ superseded_by_id: randomUUID() }],
      recommendations_measured: [{ measured_simulation_id: randomUUID() }],
      made_by_a_rule: [{ rule: 'failing_tool' }, { ...madeByRule(keys), basis: null }],
      suggests_one_way: [{ suggested_changes: JSON_LIST, restores_version_id: keys.version_id }],
      dismissed_open: [
        { dismissed_at: FAR_AHEAD, dismissal_reason: 'x', applied: true, applied_at: FAR_AHEAD },
      ],
      dismissed_for_a_reason: [{ dismissed_at: FAR_AHEAD }, { dismissal_reason: 'x' }],
      measured_has_time: [{ impact_actual: '{}' }, { measured_at: FAR_AHEAD }],
    },
  },
  'public.recommendation_evidence': {
    row: {
      user_id: keys.user_id,
      recommendation_id: keys.recommendation_id,
      place: 9,
      summary: 'x',
      tool_name: 'search',
    },
    takes: [
      { place: 10, tool_name: null, simulation_id: keys.simulation_id, outcome_id: keys.outcome_id },
      { place: 11, tool_name: null, config_version_id: keys.version_id },
    ],
    refuses: {
      recommendation_evidence_place_check: [{ place: 0 }],
      recommendation_evidence_summary_check: [{ summary: '' }, { summary: x(1_001) }],
      recommendation_evidence_tool_name_check: [{ tool_name: '' }, { tool_name: x(101) }],
      recommendation_evidence_user_id_recommendation_id_fkey: [{ recommendation_id: randomUUID() }],
      recommendation_evidence_user_id_simulation_id_fkey: [{ tool_name: null, simulation_id: randomUUID() }],
      recommendation_evidence_user_id_outcome_id_fkey: [
        { tool_name: null, simulation_id: keys.simulation_id, outcome_id: randomUUID() },
      ],
      recommendation_evidence_user_id_scenario_id_fkey: [{ tool_name: null, scenario_id: 'nothing' }],
      recommendation_evidence_user_id_config_version_id_fkey: [
        { tool_name: null, config_version_id: randomUUID() },
      ],
      recommendation_evidence_user_id_config_diff_id_fkey: [
        { tool_name: null, config_diff_id: randomUUID() },
      ],
      links_one_thing: [{ tool_name: null }, { signature: 'x' }, { outcome_id: keys.outcome_id }],
    },
  },
  'store.recommendation_marks': {
    row: { user_id: keys.user_id, config_version_id: randomUUID(), simulation_id: keys.simulation_id },
    refuses: {
      recommendation_marks_attempts_check: [{ attempts: -1 }],
      recommendation_marks_user_id_simulation_id_fkey: [{ simulation_id: randomUUID() }],
    },
  },
  'public.alert_rules': {
    row: {
      user_id: keys.user_id,
      name: 'mine',
      kind: 'error_rate',
      threshold: 0.5,
      window_hours: 24,
      min_runs: 10,
      secret: WEBHOOK_SECRET,
    },
    takes: [
      { config_id: keys.config_id },
      { simulation_id: keys.simulation_id, window_hours: null },
      { kind: 'stuck_run', threshold: 43_200, window_hours: null, min_runs: null },
      { recovery_threshold: 0.1, webhook_url: 'https://hooks.example/' },
    ],
    refuses: {
      alert_rules_name_check: [{ name: '' }, { name: x(101) }],
      alert_rules_kind_check: [{ kind: 'mood', window_hours: null, min_runs: null }],
      alert_rules_threshold_check: [
        { threshold: -0.1 },
        { kind: 'cost_per_day', threshold: 'NaN', window_hours: null, min_runs: null },
      ],
      alert_rules_recovery_threshold_check: [{ recovery_threshold: 1.1 }],
      alert_rules_window_hours_check: [{ window_hours: 0 }, { window_hours: 721 }],
      alert_rules_min_runs_check: [{ min_runs: 0 }],
      alert_rules_webhook_url_check: [
        { webhook_url: 'ftp://hooks.example/' },
        { webhook_url: `https://${x(2_000)}` },
      ],
      alert_rules_secret_check: [{ secret: 'guess' }, { secret: `${WEBHOOK_SECRET}=` }],
      alert_rules_state_check: [{ state: 'fine' }],
      alert_rules_user_id_config_id_fkey: [{ config_id: randomUUID() }],
      alert_rules_user_id_simulation_id_fkey: [{ simulation_id: randomUUID() }],
      watches_one_thing: [{ config_id: keys.config_id, simulation_id: keys.simulation_id }],
      has_what_its_kind_needs: [
        { threshold: 1.1 },
        { min_runs: null },
        { window_hours: null },
        { kind: 'cost_per_day' },
        { kind: 'stuck_run', window_hours: null },
      ],
      updated_after_created: [{ created_at: FAR_AHEAD }],
    },
  },
  'public.alerts': {
    row: { user_id: keys.user_id, rule_id: keys.rule_id, threshold: 1, value: 2 },
    takes: [{ ended_at: FAR_AHEAD, end_reason: 'disabled' }, { config_id: keys.config_id }],
    refuses: {
      alerts_end_reason_check: [{ ended_at: FAR_AHEAD, end_reason: 'boredom' }],
      ended_for_a_reason: [{ ended_at: FAR_AHEAD }, { end_reason: 'disabled' }],
      ended_after_fired: [{ ended_at: LONG_AGO, end_reason: 'disabled' }],
      alerts_user_id_rule_id_fkey: [{ rule_id: randomUUID() }],
      alerts_user_id_config_id_fkey: [{ config_id: randomUUID() }],
      alerts_user_id_simulation_id_fkey: [{ simulation_id: randomUUID() }],
    },
  },
  'public.alert_events': {
    row: {
      user_id: keys.user_id,
      seq: 9,
      alert_id: keys.alert_id,
      rule_id: keys.rule_id,
      kind: 'fired',
      delivery_status: 'pending',
      next_attempt_at: FAR_AHEAD,
    },
    takes: [
      { delivery_status: null, next_attempt_at: null },
      { delivery_status: 'delivered', next_attempt_at: null, delivered_at: FAR_AHEAD },
    ],
    refuses: {
      alert_events_seq_check: [{ seq: 0 }],
      alert_events_user_id_seq_key: [{ seq: 1 }],
      alert_events_kind_check: [{ kind: 'paused' }],
      alert_events_delivery_status_check: [{ delivery_status: 'lost', next_attempt_at: null }],
      alert_events_attempts_check: [{ attempts: -1 }],
      alert_events_status_code_check: [{ status_code: 99 }, { status_code: 1_000 }],
      alert_events_error_check: [{ error: x(501) }],
      delivered_has_time: [
        { delivery_status: 'delivered', next_attempt_at: null },
        { delivered_at: FAR_AHEAD },
      ],
      only_pending_is_due: [{ delivery_status: null }, { delivery_status: 'failed' }],
      alert_events_user_id_alert_id_fkey: [{ alert_id: randomUUID() }],
    },
  },
  'store.alert_counters': {
    row: { user_id: randomUUID(), latest: 1 },
    refuses: {
      alert_counters_latest_check: [{ latest: 0 }],
      alert_counters_pkey: [{ user_id: keys.user_id }],
    },
  },
  'public.api_keys': {
    row: {
      user_id: keys.user_id,
      name: 'a key',
      prefix: 'arc_1234',
      secret_hash: Buffer.alloc(32),
      role: 'app_user',
    },
    refuses: {
      api_keys_name_check: [{ name: '' }, { name: x(101) }],
      api_keys_prefix_check: [{ prefix: 'arc' }, { prefix: x(21) }],
      api_keys_secret_hash_check: [{ secret_hash: Buffer.alloc(31) }],
      api_keys_secret_hash_key: [{ secret_hash: keys.secret_hash }],
      api_keys_role_check: [{ role: 'arc_owner' }, { role: 'app_admin' }],
      expires_after_created: [{ expires_at: LONG_AGO }],
      revoked_after_created: [{ revoked_at: LONG_AGO }],
    },
  },
  'public.scenario_revisions': {
    row: { user_id: keys.user_id, scenario_id: 'refund', revision: 2, task_prompt: 'Do.' },
    refuses: {
      scenario_revisions_pkey: [{ revision: 1 }],
      scenario_revisions_revision_check: [{ revision: 0 }],
      scenario_revisions_user_id_scenario_id_fkey: [{ scenario_id: 'nobodys' }],
    },
  },
  'public.audit_log': {
    row: { user_id: keys.user_id, table_name: 'x', operation: 'INSERT' },
    refuses: { audit_log_operation_check: [{ operation: 'SELECT' }] },
  },
})
