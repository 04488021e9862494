//! Who sends to whom.

use serde::Deserialize;

/// The shape of a neighbourhood, as the workload file names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Agents in a circle; each has its `fan_out` nearest as neighbours, half on either side.
    Ring,
    /// Agent 0 in the middle; with a `fan_out` below the number of others, a tree whose nodes have
    /// at most that many children.
    Star,
    /// Everybody with everybody.
    All,
}

/// Neighbours of every agent: symmetric, fixed for a run, without loops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    neighbours: Vec<Vec<u32>>,
    /// Whether only the way from an agent to the next one carries anything.
    acknowledges: bool,
}

impl Topology {
    /// Nobody talks.
    #[must_use]
    pub fn silent(agents: usize) -> Topology {
        Topology {
            neighbours: vec![Vec::new(); agents],
            acknowledges: false,
        }
    }

    /// Builds a shape for a number of agents. `fan_out` of `None` is the shape's own: 2 for a ring,
    /// everybody for a star; `All` knows no other.
    #[must_use]
    pub fn new(shape: Shape, fan_out: Option<usize>, agents: usize) -> Topology {
        let mut sets = vec![std::collections::BTreeSet::new(); agents];
        let mut link = |a: usize, b: usize| {
            if a != b {
                sets[a].insert(b as u32);
                sets[b].insert(a as u32);
            }
        };
        match shape {
            Shape::Ring => {
                let reach = fan_out.unwrap_or(2).div_ceil(2);
                for a in 0..agents {
                    for d in 1..=reach.min(agents) {
                        link(a, (a + d) % agents);
                    }
                }
            }
            Shape::Star => {
                let children = fan_out.unwrap_or(agents).max(1);
                for a in 1..agents {
                    link(a, (a - 1) / children);
                }
            }
            Shape::All => {
                for a in 0..agents {
                    for b in 0..a {
                        link(a, b);
                    }
                }
            }
        }
        Topology {
            neighbours: sets.into_iter().map(|s| s.into_iter().collect()).collect(),
            acknowledges: false,
        }
    }

    /// The same links, of which only those from agent i to i + 1 (and from the last to the first) carry
    /// what an agent says; by the others goes an empty note. Of a ring this makes a directed one.
    #[must_use]
    pub fn with_acknowledgements(self) -> Topology {
        Topology {
            acknowledges: true,
            ..self
        }
    }

    /// Whether what agent `from` says goes to its neighbour `to`; an empty note, where not.
    #[must_use]
    pub fn carries(&self, from: usize, to: usize) -> bool {
        !self.acknowledges || (from + 1) % self.agents() == to
    }

    /// Number of agents.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.neighbours.len()
    }

    /// Neighbours of one agent, ascending.
    #[must_use]
    pub fn of(&self, agent: usize) -> &[u32] {
        &self.neighbours[agent]
    }

    /// Whether nobody talks to anybody.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.neighbours.iter().all(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_symmetric_and_has_no_loops() {
        for shape in [Shape::Ring, Shape::Star, Shape::All] {
            for agents in [1, 2, 3, 4, 5, 17, 32] {
                for fan_out in [None, Some(2), Some(4), Some(64)] {
                    let t = Topology::new(shape, fan_out, agents);
                    for a in 0..agents {
                        for &b in t.of(a) {
                            assert_ne!(a, b as usize);
                            assert!(t.of(b as usize).contains(&(a as u32)), "{shape:?} {agents}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn shapes_have_the_neighbours_that_their_names_promise() {
        assert_eq!(Topology::new(Shape::Ring, None, 5).of(0), [1, 4]);
        assert_eq!(Topology::new(Shape::Ring, Some(4), 6).of(0), [1, 2, 4, 5]);
        assert_eq!(Topology::new(Shape::Star, None, 4).of(0), [1, 2, 3]);
        assert_eq!(Topology::new(Shape::Star, Some(2), 7).of(1), [0, 3, 4]);
        assert_eq!(Topology::new(Shape::All, None, 4).of(2), [0, 1, 3]);
        assert!(Topology::new(Shape::Ring, None, 1).is_silent());
    }

    #[test]
    fn a_ring_with_acknowledgements_carries_one_way() {
        let ring = Topology::new(Shape::Ring, None, 5).with_acknowledgements();
        assert!(ring.carries(4, 0) && ring.carries(1, 2));
        assert!(!ring.carries(0, 4) && !ring.carries(2, 1));
        // Each of two is the next of the other.
        let two = Topology::new(Shape::Ring, None, 2).with_acknowledgements();
        assert!(two.carries(0, 1) && two.carries(1, 0));
        assert!(Topology::new(Shape::Ring, None, 5).carries(2, 1));
    }
}
