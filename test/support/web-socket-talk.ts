/** A WebSocket at the door of an engine: that of the engine contract. */
export { asking, Talk, type Heard } from '../../testing/contract/talk.ts'
