import { isText } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import type { Beside } from './format.ts'
import { asList, asObject, asText } from './recordReading.ts'

/**
 * Whether a value is a simulation of tau2-bench: what its files hold, alone, in a list, or with what was run around them.
 */
export function isSimulation(value: unknown): value is JsonObject {
  const simulation = asObject(value)
  const { task_id, messages, ticks } = simulation
  const hasTalk = Array.isArray(messages) || Array.isArray(ticks)
  return (
    task_id !== undefined && hasTalk && ('reward_info' in simulation || 'termination_reason' in simulation)
  )
}

/** Whether a document says what was run; its simulations may lie in files of their own. */
export function isResults(document: unknown): document is JsonObject {
  const { info, tasks, simulations, simulation_index, format_version } = asObject(document)
  const hasRunInfo = 'agent_info' in asObject(info) || 'environment_info' in asObject(info)
  if (!Array.isArray(simulations))
    return (
      hasRunInfo && Array.isArray(tasks) && (simulation_index !== undefined || format_version !== undefined)
    )
  return hasRunInfo || Array.isArray(tasks) || simulations.some(isSimulation)
}

/**
 * The results in one document, whatever the shape: a list of simulations or a single one, a file that says in a few words
 * of its own what was run, and a folder where each simulation is a file.
 */
export function resultsIn(document: JsonValue): JsonObject {
  if (Array.isArray(document)) return { simulations: document }
  if (isSimulation(document)) return { simulations: [document] }
  const results = asObject(document)
  if (isJsonObject(results.info)) return results
  const { domain, agent, model } = results
  const said = [domain, agent, model].some((value) => asText(value) !== null)
  if (!said) return results
  return {
    ...results,
    info: {
      agent_info: { implementation: asText(agent), llm: asText(model) },
      environment_info: { domain_name: asText(domain) },
    },
  }
}

/** The document with the simulations of its folder, from `results.json` or from one of them. */
export async function gatherSimulations(document: JsonValue, beside: Beside): Promise<JsonObject> {
  if (!isSimulation(document)) return withSimulations(asObject(document), beside, 'simulations')
  const results = await beside.json('../results.json', isResults)
  return results === null ? resultsIn(document) : withSimulations(asObject(results), beside, '.')
}

async function withSimulations(results: JsonObject, beside: Beside, folder: string): Promise<JsonObject> {
  if (asList(results.simulations).length > 0) return results
  const simulations: JsonValue[] = []
  for (const name of await beside.names(folder)) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue
    const simulation = await beside.json(`${folder}/${name}`, isSimulation)
    if (simulation !== null) simulations.push(simulation)
  }
  const { format_version: _version, simulation_index, ...rest } = results
  return { ...rest, simulations, ...(Array.isArray(simulation_index) ? { simulation_index } : {}) }
}

/** How many simulations the index of a folder names that are not in it. */
export function missingFiles({ simulation_index, simulations }: JsonObject): number {
  const there = new Set(asList(simulations).map((simulation) => asObject(simulation).id))
  return asList(simulation_index).filter((entry) => !there.has(asObject(entry).id)).length
}

/**
 * The conversation of a voice run, which is kept in ticks of a fraction of a second: what one side says on end is one
 * message, with the calls of tools and their results between.
 */
export function messagesOfTicks(ticks: JsonValue[]): JsonObject[] {
  const messages: JsonObject[] = []
  for (const tick of ticks.map(asObject)) {
    addSide(messages, tick, 'assistant', tick.agent_chunk, tick.agent_tool_calls, tick.agent_tool_results)
    addSide(messages, tick, 'user', tick.user_chunk, tick.user_tool_calls, tick.user_tool_results)
  }
  return messages
}

function addSide(
  messages: JsonObject[],
  tick: JsonObject,
  role: 'assistant' | 'user',
  chunk: JsonValue | undefined,
  calls: JsonValue | undefined,
  results: JsonValue | undefined,
): void {
  const { content, timestamp = tick.timestamp, usage, cost } = asObject(chunk)
  const called = asList(calls)
  const text = isText(content) ? content : ''
  const last = messages.at(-1)
  const goesOn = last?.role === role && last.tool_calls === undefined && called.length === 0
  if (goesOn && usage === undefined) last.content = `${last.content}${text}`
  else if (text !== '' || called.length > 0 || isJsonObject(usage)) {
    messages.push({
      role,
      content: text,
      ...(timestamp === undefined ? {} : { timestamp }),
      ...(called.length === 0 ? {} : { tool_calls: called }),
      ...(usage === undefined ? {} : { usage }),
      ...(cost === undefined ? {} : { cost }),
    })
  }
  messages.push(...asList(results).filter(isJsonObject))
}
