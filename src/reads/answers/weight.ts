import type { Statement } from '../../db/tenantTransaction.ts'
import type { ColumnKind } from '../catalogue.ts'
import type { Member, PageMember, Part, Source } from './parts.ts'

/** What a statement takes: the longer its answer, and the more it reads, the more memory. */
export interface Weight {
  /** And lists: each has a length of its own. */
  pages: number
  /** Values that may be megabytes. */
  huge: number
  /** Values whose length nothing bounds; of texts, which seldom are long, a half. */
  long: number
  /** How often tables are read: to plan that takes memory. */
  reads: number
}

/** That of a part, and what it needs that the statement has once. */
interface PartWeight extends Weight {
  sources: readonly Source[]
}

const NOTHING: PartWeight = { pages: 0, huge: 0, long: 0, reads: 0, sources: [] }
const READ: PartWeight = { ...NOTHING, reads: 1 }

const LONG: Partial<Record<ColumnKind, number>> = { json: 1, texts: 1, text: 1 / 2 }

export function weightOf(part: Part): Weight {
  const { sources, ...own } = ofPart(part)
  const total = { ...own }
  for (const { reads, huge } of new Set(sources)) {
    total.reads += reads
    total.huge += huge
    total.long += 1
  }
  return total
}

function ofPart(part: Part): PartWeight {
  switch (part.is) {
    case 'column':
      return { ...NOTHING, huge: part.isHuge ? 1 : 0, long: isShort(part) ? 0 : (LONG[part.kind] ?? 0) }
    case 'sql':
      return part.isHuge ? { ...NOTHING, huge: 1, long: 1 } : NOTHING
    case 'row':
      return sum([READ, ofMembers(part.members)])
    case 'list':
      return sum([{ ...NOTHING, pages: 1 }, ofMembers(part.members)])
    case 'rows':
      return sum(part.tables.flatMap(({ members }) => [READ, ofMembers(members)]))
    case 'computed':
      return { ...NOTHING, long: part.isLong ? 1 : 0, sources: part.of.source ? [part.of.source] : [] }
    case 'page':
      return sum([{ ...READ, pages: 1, huge: part.isHuge ? 1 : 0 }, ...part.members.map(ofPageMember)])
    default:
      return NOTHING
  }
}

/** What so short a text takes is not worth to be looked at. */
const SHORT = 64 * 1024

function isShort({ maxBytes = Number.POSITIVE_INFINITY }: { maxBytes?: number }): boolean {
  return maxBytes <= SHORT
}

/** As long as a value is written that is no text: a time, an id, a number with its decimals. */
const VALUE_BYTES = 64

/** Bytes that the text of an object with these members has at most; infinite where nothing bounds one of them. */
export function mostBytesOf(members: readonly Member[]): number {
  return members.reduce((sum, { key, part }) => sum + key.length + 4 + valueBytes(part), 2)
}

function valueBytes(part: Part): number {
  switch (part.is) {
    case 'literal':
      return part.json.length
    case 'enum':
      return Math.max(...[...part.names.values()].map((name) => name.length + 2), 4)
    case 'column':
      return part.maxBytes ?? (part.kind in LONG ? Number.POSITIVE_INFINITY : VALUE_BYTES)
    case 'row':
      return mostBytesOf(part.members)
    default:
      return Number.POSITIVE_INFINITY
  }
}

/** The views of the table that has partitions. */
const OF_OUTCOMES = /\b(?:from|join) (?:outcomes|tool_usage)\b/g

/** Those that it is planned with: what stands in a text in it is planned in parts, see ../byTime.ts. */
export function readsOfOutcomes({ text }: Statement): number {
  return text.replaceAll(/'(?:[^']|'')*'/g, "''").match(OF_OUTCOMES)?.length ?? 0
}

function ofMembers(members: readonly Member[]): PartWeight {
  return sum(members.map(({ part }) => ofPart(part)))
}

function ofPageMember(member: PageMember): PartWeight {
  if (member.shows === 'nodes') return ofMembers(member.members)
  if (member.shows === 'totalCount') return READ
  if (member.shows === 'part') return ofPart(member.part)
  if (member.shows !== 'edges') return NOTHING
  return sum(member.members.map((edge) => (edge.shows === 'node' ? ofMembers(edge.members) : NOTHING)))
}

function sum(weights: readonly PartWeight[]): PartWeight {
  const total = { ...NOTHING, sources: weights.flatMap(({ sources }) => sources) }
  for (const { pages, huge, long, reads } of weights) {
    total.pages += pages
    total.huge += huge
    total.long += long
    total.reads += reads
  }
  return total
}
