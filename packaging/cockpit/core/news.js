// When the page looks for news: soon after fobd's signal where it comes, every few seconds where it does
// not. Times are milliseconds.

/** Pause between two looks where no signal comes: fobd's is for administrators alone, and no change of a
 * token is behind some of the events. */
export const POLL = 5000;
/** Pause where it comes: for the one that was missed while a connection was made. */
export const CALM = 60_000;
/** Least pause between two looks, however many signals come. */
export const APART = 1000;
/** A look that takes long, at a large stock, is followed by a pause so many times as long. */
const REST = 4;

export class News {
    constructor() {
        this.isStale = false;
        this.isLooking = false;
        this.began = Number.NEGATIVE_INFINITY;
        this.ended = Number.NEGATIVE_INFINITY;
    }

    /** A signal came. It is kept until somebody may look. */
    heard() {
        this.isStale = true;
    }

    /** A look begins: what comes from now on is another one's. @param {number} now */
    begin(now) {
        this.isStale = false;
        this.isLooking = true;
        this.began = now;
    }

    /** It is over. @param {number} now */
    end(now) {
        this.isLooking = false;
        this.ended = now;
    }

    /**
     * Says whether to look now.
     * @param {number} now
     * @param {boolean} isTold whether a signal comes when what is shown has changed
     */
    isDue(now, isTold) {
        if (this.isLooking)
            return false;
        const pause = isTold ? CALM : POLL;
        const least = Math.max(APART, REST * (this.ended - this.began));
        return now - this.ended >= Math.max(least, this.isStale ? 0 : pause);
    }
}
