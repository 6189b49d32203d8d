import type { Member, PageMember, Part } from './parts.ts'

/** What makes an answer long. */
export interface Weight {
  /** Of which each has a length of its own. */
  pages: number
  /** Values that may be megabytes. */
  huge: number
}

export function weightOf(part: Part): Weight {
  switch (part.is) {
    case 'column':
    case 'sql':
      return { pages: 0, huge: part.isHuge ? 1 : 0 }
    case 'row':
    case 'list':
      return ofMembers(part.members)
    case 'rows':
      return sum(part.tables.map(({ members }) => ofMembers(members)))
    case 'page':
      return sum([{ pages: 1, huge: 0 }, ...part.members.map(ofPageMember)])
    default:
      return { pages: 0, huge: 0 }
  }
}

function ofMembers(members: readonly Member[]): Weight {
  return sum(members.map(({ part }) => weightOf(part)))
}

function ofPageMember(member: PageMember): Weight {
  if (member.shows === 'nodes') return ofMembers(member.members)
  if (member.shows !== 'edges') return { pages: 0, huge: 0 }
  return sum(
    member.members.map((edge) => (edge.shows === 'node' ? ofMembers(edge.members) : { pages: 0, huge: 0 })),
  )
}

function sum(weights: readonly Weight[]): Weight {
  return {
    pages: weights.reduce((so, { pages }) => so + pages, 0),
    huge: weights.reduce((so, { huge }) => so + huge, 0),
  }
}
