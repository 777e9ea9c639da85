// A page about work that goes on: it is loaded again every two seconds, as its link "See how far it is" does by hand.

const EVERY = 2000;

setTimeout(() => location.reload(), EVERY);
