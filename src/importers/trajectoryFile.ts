import { hash } from 'node:crypto'
import { basename, dirname, resolve } from 'node:path'
import type { JsonObject, JsonValue } from '../json.ts'
import { shorten } from '../text.ts'
import type { ImportedOutcome, ImportedRun, ImportedScenario, ParsedFile } from './format.ts'
import {
  asText,
  BrokenRecord,
  canonicalJson,
  digest,
  identityOfRecords,
  shortName,
  shown,
  taskIdText,
} from './recordReading.ts'

/** What a file of SWE-agent or mini-swe-agent tells beside its outcome. */
export interface Trajectory {
  instanceId: string
  /** The issue to be solved, without the agent's own words around it; null when the file has none. */
  problem: string | null
  model: string
  configuration: ImportedRun['configuration']
  outcome: Omit<ImportedOutcome, 'scenarioExternalId' | 'repetition' | 'identity'>
  /** What was asked, and the first answer, which tells it from another run; null before there is one. */
  beginning: { asked: JsonValue; answered: JsonValue }
  /** Whether it goes on, as long as nobody knows better. */
  isUnfinished: boolean
}

/**
 * A file that holds the run of one agent on one instance of a benchmark such as SWE-bench. It is a run of its own
 * and part of a larger one with the other files of its folder that have the same configuration (`partOf`). The
 * record's identity is the whole document, wherever it lies; one that goes on is no record yet, and leaves its run
 * running.
 */
export function readTrajectoryFile(
  format: string,
  document: JsonObject,
  path: string,
  read: (document: JsonObject) => Trajectory,
): ParsedFile {
  try {
    const { instanceId, problem, model, configuration, outcome, beginning, isUnfinished } = read(document)
    const { asked, answered } = beginning
    const begun = [format, instanceId, configuration.yaml, asked]
    const folder = runFolder(path, instanceId)
    const scenario = sweScenario(instanceId, problem)
    const identity = hash('sha256', canonicalJson([format, document]))
    const run: ImportedRun = {
      identity: identityOfRecords([identity]),
      knownByRecords: true,
      partOf: canonicalJson([format, folder, configuration.name, configuration.yaml]),
      state: isUnfinished ? 'unfinished' : 'finished',
      name: shortName(format, model, basename(folder)),
      configuration,
      repetitions: 1,
      scenarios: [scenario],
      outcomes: [
        {
          ...outcome,
          scenarioExternalId: scenario.externalId,
          repetition: 1,
          identity,
          beginnings: [digest(begun), ...(answered === null ? [] : [digest([...begun, answered])])],
          ...(isUnfinished ? { isUnfinished } : {}),
        },
      ],
      metadata: { format, source_file: basename(path) },
    }
    return { runs: [run], rejected: [] }
  } catch (error) {
    if (!(error instanceof BrokenRecord)) throw error
    return { runs: [], rejected: [{ record: 'the trajectory', reason: error.message }] }
  }
}

/** The instance's id: what the file says, else what its name says. Throws BrokenRecord for one that is none. */
export function instanceIdOf(stated: JsonValue | undefined, named: string): string {
  const value = stated ?? named
  const instanceId = taskIdText(value)
  if (instanceId === null) throw new BrokenRecord(`the id of the instance is ${shown(value)}`)
  return instanceId
}

/** The file's name without what marks it as a trajectory. */
export function stemOf(path: string): string {
  return basename(path).replace(/(?:\.traj)?(?:\.json)?$/, '')
}

/**
 * The folder of the run: the agents write `run/instance.traj`, and lately `run/instance/instance.traj`, too.
 */
export function runFolder(path: string, instanceId: string): string {
  const folder = dirname(resolve(path))
  return basename(folder) === instanceId ? dirname(folder) : folder
}

/**
 * What stands in a message where its template has the placeholder; null when the message was not made from this
 * template.
 */
export function filledIn(
  message: string,
  template: JsonValue | undefined,
  placeholder: RegExp,
): string | null {
  if (typeof template !== 'string') return null
  const [before = '', ...rest] = template.split(placeholder)
  if (rest.length === 0 || /\{[{%]/.test(before) || !message.startsWith(before)) return null
  // Up to the next thing that is filled in.
  const after = rest[0]!.split(/\{/, 1)[0]!
  const end = after.trim() === '' ? message.length : message.indexOf(after, before.length)
  return end < 0 ? null : asText(message.slice(before.length, end))
}

/** What an instance of SWE-bench and its relatives is called, whichever agent solves it and whoever grades it. */
export function sweScenarioId(instanceId: string): string {
  return `swe/${instanceId}`
}

/** The same for every agent that solves the instance, so that their runs can be compared. */
export function sweScenario(instanceId: string, problem: string | null): ImportedScenario {
  const [, owner, repository] = /^(.+?)__(.+)-\w+$/.exec(instanceId) ?? []
  const repo = owner === undefined ? null : `${owner}/${repository}`
  return {
    externalId: sweScenarioId(instanceId),
    name: shortName(instanceId),
    taskPrompt: problem === null ? null : problem.replaceAll('\r\n', '\n').trim(),
    groundTruth: null,
    difficultyLevel: null,
    tags: ['swe', ...(repo === null ? [] : [shorten(repo, 60)])],
    expectedTools: null,
    source: 'swe',
    metadata: { instance_id: instanceId, repo },
  }
}
