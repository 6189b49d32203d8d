import { hash } from 'node:crypto'
import { isText } from '../../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { mapKey } from '../../mapKey.ts'
import { Refusal } from '../../refusal.ts'
import { inTurns } from '../../turns.ts'
import { changedBlocks } from '../configurations/lineDiff.ts'
import { maskVariableParts } from '../failures/failurePattern.ts'
import { LIST_FIELDS } from './trajectory.ts'

type StepChange = 'same' | 'changed' | 'only_baseline' | 'only_candidate'

/** A step of one trajectory beside one of the other, by their indexes from 0. */
export interface AlignedStep {
  /** Its position among them, from 0. */
  position: number
  change: StepChange
  baselineIndex: number | null
  candidateIndex: number | null
  /** The tools that are called there, of the candidate where both have the step. */
  tools: readonly string[]
}

export interface TrajectoryDiff {
  steps: readonly AlignedStep[]
  counts: Readonly<Record<StepChange, number>>
  /** Where they part; null where all steps are the same. */
  firstDifference: AlignedStep | null
  /** Where their calls part: prose differs each time. */
  firstCallDifference: AlignedStep | null
  /** False where they are too different to be aligned: then the steps after their common beginning are paired by position. */
  isAligned: boolean
}

/** Myers' algorithm keeps its states: 16 MB for so many. Two trajectories of 1,000 steps have no more. */
const MAX_EDITS = 2_000
const MAX_STEPS = 20_000
/** Of a text, what is masked: the rest is compared as it is. */
const MASKED_LENGTH = 1_000

/** What a step is, in three degrees of being equal. */
interface Outline {
  tools: string[]
  /** What kind of step, with which tools. */
  kind: string
  /** The same with its masked arguments or text: what is aligned by this. */
  identity: string
  /** Arguments to the letter; texts masked, as they name times, ids and durations that differ each time. */
  exact: string
}

/** The steps of a trajectory: its first list. */
export function stepsOf(trajectory: JsonValue): JsonValue[] {
  if (!isJsonObject(trajectory)) return []
  for (const field of LIST_FIELDS) {
    const list = trajectory[field]
    if (Array.isArray(list)) return list
  }
  return []
}

/**
 * Two trajectories step by step. Steps are aligned by what they are, which tools they call, and their arguments or text but for what varies (ids, numbers, times,
 * paths); of those that stand opposite each other, steps of one kind with the same tools are CHANGED, as are calls whose arguments differ in what varies.
 * @throws Refusal TOO_LARGE for more than 20,000 steps
 */
export async function diffTrajectories(baseline: JsonValue, candidate: JsonValue): Promise<TrajectoryDiff> {
  const lists = [stepsOf(baseline), stepsOf(candidate)] as const
  for (const { length } of lists)
    if (length > MAX_STEPS)
      throw new Refusal(
        'TOO_LARGE',
        `The trajectory has ${length} steps; ${MAX_STEPS} is the limit of a comparison.`,
      )
  const masked = new Map<string, string>()
  const [old, fresh] = [
    await inTurns(outlinesOf(lists[0], masked)),
    await inTurns(outlinesOf(lists[1], masked)),
  ] as const
  const blocks = changedBlocks(identities(old), identities(fresh), MAX_EDITS)
  const pairs = blocks ? alignedBy(blocks, old, fresh) : byPosition(old.length, fresh.length)
  const counts = { same: 0, changed: 0, only_baseline: 0, only_candidate: 0 }
  const steps = pairs.map(([baselineIndex, candidateIndex], position): AlignedStep => {
    const [one, other] = [baselineIndex, candidateIndex].map((index, side) =>
      index === null ? undefined : (side === 0 ? old : fresh)[index],
    )
    const change: StepChange = !other
      ? 'only_baseline'
      : !one
        ? 'only_candidate'
        : one.exact === other.exact
          ? 'same'
          : 'changed'
    counts[change]++
    return { position, change, baselineIndex, candidateIndex, tools: (other ?? one)!.tools }
  })
  return {
    steps,
    counts,
    firstDifference: steps.find(({ change }) => change !== 'same') ?? null,
    firstCallDifference: steps.find(({ change, tools }) => change !== 'same' && tools.length > 0) ?? null,
    isAligned: blocks !== null,
  }
}

type Pair = readonly [baseline: number | null, candidate: number | null]
type Blocks = NonNullable<ReturnType<typeof changedBlocks>>

const identities = (outlines: readonly Outline[]) => outlines.map(({ identity }) => identity)

function alignedBy(blocks: Blocks, old: readonly Outline[], fresh: readonly Outline[]): Pair[] {
  const pairs: Pair[] = []
  let [i, j] = [0, 0]
  const together = (until: number) => {
    while (i < until) pairs.push([i++, j++])
  }
  for (const { oldStart, oldEnd, newStart, newEnd } of blocks) {
    together(oldStart)
    const kinds = (of: readonly Outline[], from: number, to: number) =>
      of.slice(from, to).map(({ kind }) => kind)
    // No more edits than the first alignment found room for.
    const inner = changedBlocks(
      kinds(old, oldStart, oldEnd),
      kinds(fresh, newStart, newEnd),
      Number.POSITIVE_INFINITY,
    )!
    for (const block of inner) {
      together(oldStart + block.oldStart)
      while (i < oldStart + block.oldEnd) pairs.push([i++, null])
      while (j < newStart + block.newEnd) pairs.push([null, j++])
    }
    together(oldEnd)
  }
  together(old.length)
  return pairs
}

const byPosition = (old: number, fresh: number): Pair[] =>
  Array.from({ length: Math.max(old, fresh) }, (_, at) => [at < old ? at : null, at < fresh ? at : null])

function* outlinesOf(steps: readonly JsonValue[], masked: Map<string, string>): Generator<Outline> {
  for (const step of steps) yield outlineOf(step, masked)
}

function outlineOf(step: JsonValue, masked: Map<string, string>): Outline {
  const { kind, tools, details } = described(step)
  const full = [kind, ...tools].join('\n')
  const of = (detail: Detail) => (detail.isText ? maskedOnce(detail.text, masked) : detail.text)
  const exact = mapKey([full, ...details.map(of)].join('\n'))
  const identity = mapKey([full, ...details.map(({ text }) => maskedOnce(text, masked))].join('\n'))
  return { tools, kind: mapKey(full), exact, identity }
}

function maskedOnce(text: string, masked: Map<string, string>): string {
  const key = mapKey(text)
  const known = masked.get(key)
  if (known !== undefined) return known
  const rest = text.length > MASKED_LENGTH ? hash('sha256', text.slice(MASKED_LENGTH)) : ''
  const made = maskVariableParts(text.slice(0, MASKED_LENGTH)) + rest
  masked.set(key, made)
  return made
}

interface Detail {
  text: string
  /** Prose or a result, not arguments. */
  isText: boolean
}

interface Described {
  kind: string
  tools: string[]
  details: Detail[]
}

const prose = (value: JsonValue | undefined): Detail => ({ text: written(value), isText: true })
const given = (value: JsonValue | undefined): Detail => ({ text: written(value), isText: false })

/** The shapes that `deriveToolUsage` reads. Of a step that calls something the prose around does not count. */
function described(step: JsonValue): Described {
  if (!isJsonObject(step)) return { kind: 'value', tools: [], details: [prose(step)] }
  const role = isText(step.role) ? step.role : ''
  if (role === 'tool' || role === 'function')
    return { kind: 'result', tools: [], details: [prose(step.content)] }
  if (Array.isArray(step.tool_calls) && step.tool_calls.length > 0)
    return calling(role, step.tool_calls.filter(isJsonObject))
  if (isJsonObject(step.function_call)) return calling(role, [step.function_call])
  if (isText(step.tool))
    return {
      kind: 'action',
      tools: [step.tool],
      details: [given(step.args ?? step.arguments ?? step.input ?? step.parameters)],
    }
  if (isText(step.action)) {
    const [tool = ''] = /[^\s[(]+/.exec(step.action) ?? []
    return { kind: 'action', tools: [tool], details: [given(step.action)] }
  }
  if (isJsonObject(step.action)) {
    const name = step.action.name ?? step.action.tool
    return { kind: 'action', tools: isText(name) ? [name] : [], details: [given(step.action)] }
  }
  if (Array.isArray(step.content)) return ofItems(role, step.content)
  if (isText(step.type)) return ofItems(role, [step])
  if (step.content !== undefined)
    return { kind: `message ${role}`, tools: [], details: [prose(step.content)] }
  return { kind: `other ${role}`, tools: [], details: [prose(step)] }
}

function calling(role: string, calls: readonly JsonObject[]): Described {
  const of = calls.map((call) => (isJsonObject(call.function) ? call.function : call))
  return {
    kind: `call ${role}`,
    tools: of.flatMap(({ name, function: named }) => (isText(name) ? [name] : isText(named) ? [named] : [])),
    details: of.map((call) => given(parsed(call.arguments ?? call.input ?? call.args))),
  }
}

const CALLS = ['tool_use', 'server_tool_use', 'mcp_tool_use', 'function_call']

/** Content blocks of a message, or an item that stands by itself. */
function ofItems(role: string, items: readonly JsonValue[]): Described {
  const blocks = items.filter(isJsonObject)
  const calls = blocks.filter(({ type }) => CALLS.includes(type as string))
  if (calls.length > 0) return calling(role, calls)
  const isResult = blocks.some(({ type }) => isText(type) && /result|output/.test(type))
  return {
    kind: isResult ? 'result' : `message ${role}`,
    tools: [],
    details: items.map((item) =>
      prose(isJsonObject(item) ? (item.text ?? item.content ?? item.output ?? item) : item),
    ),
  }
}

/** Arguments often are a text of JSON. */
function parsed(value: JsonValue | undefined): JsonValue | undefined {
  if (!isText(value)) return value
  try {
    return JSON.parse(value) as JsonValue
  } catch {
    return value
  }
}

/** The same for equal values, whatever the order of their keys. */
function written(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value
  return (
    JSON.stringify(value, (_, inner) =>
      isJsonObject(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? ''
  )
}
