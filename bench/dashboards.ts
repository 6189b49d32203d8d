/** One screen of a dashboard: as Arc is asked for it, and as one SQL statement that builds the very same answer. */
export interface Dashboard {
  name: string
  description: string
  query: string
  /**
   * Column `answer`: the whole body as text. Parameters: the values of `variables` in order. It reads the tables and not
   * the views over them, with the tenant as a literal: what a view or a policy costs must not hide in the floor.
   */
  sql(tenant: string): string
  /** For one of the tenant's simulations. */
  variables(simulationId: string): Record<string, unknown>
}

const ISO_TIME = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`

function iso(column: string): string {
  return `to_char(${column} at time zone 'UTC', ${ISO_TIME})`
}

const LATEST_SIMULATIONS: Dashboard = {
  name: 'latest-simulations',
  description: '20 latest simulations with model and 20 latest outcomes each',
  query: `query LatestSimulations {
    simulations(first: 20) {
      nodes {
        simulationId simulationName status createdAt
        totalScenarios completedScenarios failedScenarios completionPercent currentScore totalCostUsd totalTokens
        configVersion { versionNumber model temperature configuration { name } }
        outcomes(first: 20) {
          nodes {
            outcomeId scenarioId repetition executionTime status reliabilityScore executionTimeMs tokensUsed costUsd
            errorCategory
          }
        }
      }
    }
  }`,
  variables: () => ({}),
  sql: (tenant) => `/* bench latest-simulations */
    select json_build_object('data', json_build_object('simulations', json_build_object('nodes',
      coalesce(json_agg(json_build_object(
        'simulationId', s.simulation_id, 'simulationName', s.simulation_name, 'status', upper(s.status),
        'createdAt', ${iso('s.created_at')}, 'totalScenarios', s.total_scenarios,
        'completedScenarios', s.completed_scenarios, 'failedScenarios', s.failed_scenarios,
        'completionPercent', (100 * s.completed_scenarios)::float8 / s.total_scenarios,
        'currentScore', s.mean_score,
        'totalCostUsd', s.total_cost_usd, 'totalTokens', s.total_tokens,
        'configVersion', json_build_object('versionNumber', v.version_number, 'model', v.model,
          'temperature', v.temperature, 'configuration', json_build_object('name', c.name)),
        'outcomes', o.page
      ) order by s.created_at desc, s.simulation_id desc), '[]'))))::text as answer
    from (
      select * from simulations where user_id = ${tenant} order by created_at desc, simulation_id desc limit 20
    ) s
    join config_versions v on v.user_id = ${tenant} and v.version_id = s.config_version_id
    join configurations c on c.user_id = ${tenant} and c.config_id = v.config_id
    cross join lateral (
      select json_build_object('nodes', coalesce(json_agg(json_build_object(
        'outcomeId', outcome_id, 'scenarioId', scenario_id, 'repetition', repetition,
        'executionTime', ${iso('execution_time')}, 'status', upper(status), 'reliabilityScore', reliability_score,
        'executionTimeMs', execution_time_ms, 'tokensUsed', tokens_used, 'costUsd', cost_usd,
        'errorCategory', upper(error_category)
      ) order by execution_time desc, outcome_id desc), '[]')) as page
      from (
        select outcome_id, scenario_id, repetition, execution_time, status, reliability_score, execution_time_ms,
          tokens_used, cost_usd, error_category
        from store.outcomes where user_id = ${tenant} and simulation_id = s.simulation_id
        order by execution_time desc, outcome_id desc limit 20
      ) latest
    ) o`,
}

const FAILED_OUTCOMES: Dashboard = {
  name: 'failed-outcomes',
  description: 'page of 100 failed outcomes by time, with their scenarios',
  query: `query FailedOutcomes {
    outcomes(first: 100, filter: { status: { in: [ERROR, TIMEOUT] } }) {
      nodes {
        outcomeId simulationId executionTime status errorCategory executionTimeMs costUsd model
        scenario { scenarioId name difficultyLevel }
      }
      pageInfo { hasNextPage }
    }
  }`,
  variables: () => ({}),
  sql: (tenant) => `/* bench failed-outcomes */
    select json_build_object('data', json_build_object('outcomes', json_build_object(
      'nodes', coalesce(json_agg(json_build_object(
        'outcomeId', o.outcome_id, 'simulationId', o.simulation_id, 'executionTime', ${iso('o.execution_time')},
        'status', upper(o.status), 'errorCategory', upper(o.error_category), 'executionTimeMs', o.execution_time_ms,
        'costUsd', o.cost_usd, 'model', o.model,
        'scenario', json_build_object('scenarioId', c.scenario_id, 'name', c.name,
          'difficultyLevel', upper(c.difficulty_level))
      ) order by o.execution_time desc, o.outcome_id desc) filter (where o.place <= 100), '[]'),
      'pageInfo', json_build_object('hasNextPage', count(*) > 100))))::text as answer
    from (
      select outcome_id, simulation_id, scenario_id, execution_time, status, error_category, execution_time_ms, cost_usd,
        model, row_number() over (order by execution_time desc, outcome_id desc) as place
      from store.outcomes where user_id = ${tenant} and status in ('error', 'timeout')
      order by execution_time desc, outcome_id desc limit 101
    ) o
    join scenarios c on c.user_id = ${tenant} and c.scenario_id = o.scenario_id`,
}

const SIMULATION: Dashboard = {
  name: 'simulation',
  description: 'one simulation with counts, 20 outcomes, their tools and failures',
  query: `query Simulation($simulationId: UUID!) {
    simulation(simulationId: $simulationId) {
      simulationId simulationName status totalScenarios completedScenarios failedScenarios currentScore totalCostUsd
      outcomes(first: 20) {
        totalCount
        nodes {
          outcomeId scenarioId repetition executionTime status reliabilityScore costUsd
          toolUsage(orderBy: { field: TOOL_NAME, direction: ASC }) {
            nodes { toolName callCount successRate avgDurationMs errorTypes }
          }
          failurePatterns { nodes { failureType failureCategory errorMessage signature } }
        }
      }
    }
  }`,
  variables: (simulationId) => ({ simulationId }),
  sql: (tenant) => `/* bench simulation */
    select json_build_object('data', json_build_object('simulation', (
      select json_build_object(
        'simulationId', s.simulation_id, 'simulationName', s.simulation_name, 'status', upper(s.status),
        'totalScenarios', s.total_scenarios, 'completedScenarios', s.completed_scenarios,
        'failedScenarios', s.failed_scenarios, 'currentScore', s.mean_score,
        'totalCostUsd', s.total_cost_usd,
        'outcomes', (
          select json_build_object(
            'totalCount', (select count(*) from store.outcomes where user_id = ${tenant} and simulation_id = s.simulation_id),
            'nodes', coalesce(json_agg(json_build_object(
              'outcomeId', o.outcome_id, 'scenarioId', o.scenario_id, 'repetition', o.repetition,
              'executionTime', ${iso('o.execution_time')}, 'status', upper(o.status),
              'reliabilityScore', o.reliability_score, 'costUsd', o.cost_usd, 'toolUsage', t.page,
              'failurePatterns', f.page
            ) order by o.execution_time desc, o.outcome_id desc), '[]'))
          from (
            select outcome_id, scenario_id, repetition, execution_time, status, reliability_score, cost_usd, used_tools
            from store.outcomes where user_id = ${tenant} and simulation_id = s.simulation_id
            order by execution_time desc, outcome_id desc limit 20
          ) o
          cross join lateral (
            select json_build_object('nodes', coalesce(json_agg(json_build_object(
              'toolName', tool_name, 'callCount', call_count, 'successRate', success_rate,
              'avgDurationMs', avg_duration_ms, 'errorTypes', coalesce(error_types, '{}')) order by tool_name), '[]')) as page
            from (
              select * from unnest(o.used_tools) order by tool_name limit 20
            ) used
          ) t
          cross join lateral (
            select json_build_object('nodes', coalesce(json_agg(json_build_object(
              'failureType', failure_type, 'failureCategory', upper(failure_category),
              'errorMessage', error_message, 'signature', signature)), '[]')) as page
            from (
              select * from failure_patterns where user_id = ${tenant} and outcome_id = o.outcome_id
              order by execution_time desc, pattern_id desc limit 20
            ) wrong
          ) f
        ))
      from simulations s where s.user_id = ${tenant} and s.simulation_id = $1)))::text as answer`,
}

const TRAJECTORIES: Dashboard = {
  name: 'trajectories',
  description: 'page of 100 outcomes with their whole trajectories',
  query: `query Trajectories {
    outcomes(first: 100) { nodes { outcomeId scenarioId status trajectory } pageInfo { hasNextPage } }
  }`,
  variables: () => ({}),
  sql: (tenant) => `/* bench trajectories */
    select json_build_object('data', json_build_object('outcomes', json_build_object(
      'nodes', coalesce(json_agg(json_build_object(
        'outcomeId', o.outcome_id, 'scenarioId', scenario_id, 'status', upper(status), 'trajectory', trajectory
      ) order by o.execution_time desc, o.outcome_id desc) filter (where place <= 100), '[]'),
      'pageInfo', json_build_object('hasNextPage', count(*) > 100))))::text as answer
    from (
      select outcome_id, scenario_id, execution_time, status,
        row_number() over (order by execution_time desc, outcome_id desc) as place
      from store.outcomes where user_id = ${tenant} order by execution_time desc, outcome_id desc limit 101
    ) o
    join store.trajectories t
      on t.user_id = ${tenant} and t.outcome_id = o.outcome_id and t.execution_time = o.execution_time`,
}

/** The same object, however it is asked for. */
const simulationSql = (tenant: string, key: string, name: string) => `/* bench ${name} */
    select json_build_object('data', json_build_object('${name}', (
      select json_build_object('simulationId', simulation_id, 'simulationName', simulation_name, 'status', upper(status),
        'createdAt', ${iso('created_at')}, 'totalScenarios', total_scenarios, 'totalCostUsd', total_cost_usd)
      from simulations where user_id = ${tenant} and simulation_id = ${key})))::text as answer`

const OBJECT_BY_KEY: Dashboard = {
  name: 'object-by-key',
  description: 'one simulation by its key',
  query: `query ObjectByKey($simulationId: UUID!) {
    simulation(simulationId: $simulationId) {
      simulationId simulationName status createdAt totalScenarios totalCostUsd
    }
  }`,
  variables: (simulationId) => ({ simulationId }),
  sql: (tenant) => simulationSql(tenant, '$1', 'simulation'),
}

const OBJECT_BY_ID: Dashboard = {
  name: 'object-by-id',
  description: 'the same by its global id',
  query: `query ObjectById($id: ID!) {
    node(id: $id) {
      ... on Simulation { simulationId simulationName status createdAt totalScenarios totalCostUsd }
    }
  }`,
  variables: (simulationId) => ({ id: Buffer.from(`Simulation:${simulationId}`).toString('base64') }),
  sql: (tenant) =>
    simulationSql(tenant, `substr(convert_from(decode($1, 'base64'), 'UTF8'), 12)::uuid`, 'node'),
}

export const DASHBOARDS: readonly Dashboard[] = [
  LATEST_SIMULATIONS,
  FAILED_OUTCOMES,
  TRAJECTORIES,
  SIMULATION,
  OBJECT_BY_KEY,
  OBJECT_BY_ID,
]
