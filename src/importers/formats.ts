import { asPlainNumber, isText } from '../exactNumbers.ts'
import { isJsonObject, type JsonValue } from '../json.ts'
import { deepEval, isTestRunLink } from './deepeval.ts'
import type { ResultFormat, ShapeKind } from './format.ts'
import { atif } from './harbor/atifFile.ts'
import { harbor, isJobSummary } from './harbor/harbor.ts'
import { inspect } from './inspect/inspect.ts'
import { interCode } from './intercode.ts'
import { miniSweAgent } from './minisweagent.ts'
import { isEvalMetadata, openHands } from './openhands.ts'
import { promptfoo } from './promptfoo.ts'
import { promptfooLines } from './promptfooLines.ts'

import { sweAgent } from './sweagent.ts'
import { sweBenchInstance, sweBenchPredictions, sweBenchReport } from './swebench.ts'
import { tau2Bench } from './tau2bench.ts'
import { tauBench } from './taubench.ts'
import { isRunMetadata, terminalBench } from './terminalbench.ts'

/** Every result format that Arc imports. */
export const RESULT_FORMATS: ResultFormat[] = [
  // Before tau-bench, whose records share names with its simulations.
  tau2Bench,
  tauBench,
  inspect,
  promptfoo,
  promptfooLines,
  interCode,
  sweAgent,
  miniSweAgent,
  harbor,
  atif,
  terminalBench,
  sweBenchReport,
  sweBenchInstance,
  sweBenchPredictions,
  deepEval,
  openHands,
]

/** The format of a parsed JSON document, told by its content; undefined when it is none that Arc knows. */
export function detectFormat(document: unknown): ResultFormat | undefined {
  return RESULT_FORMATS.find((format) => format.detect(document))
}

/** Whether a value is a record of a format that has them in an object by key. */
export function isKeyedRecord(value: JsonValue): boolean {
  return RESULT_FORMATS.some((format) => format.isKeyedRecord?.(value))
}

/** What frameworks write beside their results: it holds none itself, and says where they are. */
const COMPANIONS: [is: (document: JsonValue) => boolean, message: string][] = [
  [isJobSummary, 'It is the summary of a job of Harbor: name the folder of the job, which holds its trials.'],
  [
    isTestRunLink,
    'It is a link to a test run of DeepEval: its results are in .latest_run_full.json beside it.',
  ],
  [isEvalMetadata, 'It describes a run of OpenHands: name the output.jsonl beside it.'],
  [isRunMetadata, 'It describes a run of Terminal-Bench: name the results.json beside it.'],
]

/** What a file beside results is; null for any other. */
export function companionMessage(document: JsonValue): string | null {
  return COMPANIONS.find(([is]) => is(document))?.[1] ?? null
}

/** The format whose shape a document of none has most of, and what it lacks of it; null when it has nothing of any. */
export function nearestFormat(document: JsonValue): { name: string; lacks: string[] } | null {
  let nearest: { name: string; lacks: string[]; share: number } | null = null
  for (const { name, shape } of RESULT_FORMATS) {
    const parts = Object.entries(shape)
    const lacking = parts.filter(([path, kind]) => !isKind(valueAt(document, path), kind))
    const share = 1 - lacking.length / parts.length
    if (share <= (nearest?.share ?? 0)) continue
    nearest = { name, lacks: lacking.map(([path, kind]) => `the ${kind} "${path}"`), share }
  }
  return nearest
}

function valueAt(document: JsonValue, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = document
  for (const step of path.split(/\.|(?=\[\])/)) {
    if (step === '[]') value = Array.isArray(value) ? value[0] : undefined
    else if (!isJsonObject(value)) return undefined
    else value = step === '*' ? Object.values(value)[0] : Object.hasOwn(value, step) ? value[step] : undefined
  }
  return value
}

function isKind(value: JsonValue | undefined, kind: ShapeKind): boolean {
  if (value === undefined) return false
  switch (kind) {
    case 'list':
      return Array.isArray(value)
    case 'object':
      return isJsonObject(value)
    case 'value':
      return true
    case 'text':
      return isText(value)
    default:
      return typeof asPlainNumber(value) === kind
  }
}
