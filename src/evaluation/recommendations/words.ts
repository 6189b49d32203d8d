/** 0.125 → `12.5 %` */
export function percent(share: number): string {
  return `${trimmed(share * 100, 1)} %`
}

/** Of percentages: 0.05 → `5 points` */
export function points(share: number): string {
  return `${trimmed(share * 100, 1)} points`
}

/** 90500 → `90.5 s` */
export function seconds(ms: number): string {
  return `${trimmed(ms / 1000, 1)} s`
}

/** Four digits: 0.0123 → `$0.0123` */
export function dollars(usd: number): string {
  return `${usd < 0 ? '-' : ''}$${Number(Math.abs(usd).toPrecision(4))}`
}

/** `1 run`, `2 runs` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

function trimmed(value: number, places: number): string {
  return String(Number(value.toFixed(places)))
}
