/** How long an event is awaited that comes at once: only what would never end fails by it. */
export const SOON = { timeout: 25_000 }
