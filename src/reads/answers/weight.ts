import type { Member, PageMember, Part } from './parts.ts'

/** What a statement takes: the longer its answer, and the more it reads, the more memory. */
export interface Weight {
  /** Of which each has a length of its own. */
  pages: number
  /** Values that may be megabytes. */
  huge: number
  /** How often tables are read: to plan one that has parts takes megabytes. */
  reads: number
}

const NOTHING: Weight = { pages: 0, huge: 0, reads: 0 }
const READ: Weight = { ...NOTHING, reads: 1 }

export function weightOf(part: Part): Weight {
  switch (part.is) {
    case 'column':
    case 'sql':
      return { ...NOTHING, huge: part.isHuge ? 1 : 0 }
    case 'row':
      return sum([READ, ofMembers(part.members)])
    case 'list':
      return ofMembers(part.members)
    case 'rows':
      return sum(part.tables.flatMap(({ members }) => [READ, ofMembers(members)]))
    case 'page':
      return sum([{ ...READ, pages: 1 }, ...part.members.map(ofPageMember)])
    default:
      return NOTHING
  }
}

function ofMembers(members: readonly Member[]): Weight {
  return sum(members.map(({ part }) => weightOf(part)))
}

function ofPageMember(member: PageMember): Weight {
  if (member.shows === 'nodes') return ofMembers(member.members)
  if (member.shows === 'totalCount') return READ
  if (member.shows !== 'edges') return NOTHING
  return sum(member.members.map((edge) => (edge.shows === 'node' ? ofMembers(edge.members) : NOTHING)))
}

function sum(weights: readonly Weight[]): Weight {
  const total = { ...NOTHING }
  for (const { pages, huge, reads } of weights) {
    total.pages += pages
    total.huge += huge
    total.reads += reads
  }
  return total
}
